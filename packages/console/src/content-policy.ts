/**
 * What a browser may load and run for a page of the dashboard: its own scripts, styles, images and answers, and nothing
 * else. No inline script runs; bull-board's one inline `<script>` is a block of JSON, which is no script to a browser.
 */
export const CONTENT_SECURITY_POLICY = Object.entries({
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self'",
  "connect-src": "'self'",
  "worker-src": "'self'",
  "base-uri": "'self'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
})
  .map(([directive, sources]) => `${directive} ${sources}`)
  .join("; ");

/** Headers of every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

const FOREIGN_TAG = /<(?:link|script|img)\b[^>]*\b(?:href|src)="(?:https?:)?\/\/[^>]*>(?:<\/script>)?/gu;
const INLINE_STYLE = /<style\b[^>]*>[\s\S]*?<\/style>/gu;
const STYLE_ATTRIBUTE = /\sstyle="[^"]*"/gu;

/** A page of bull-board without what it would load from other hosts (fonts), and without inline styles, which the policy refuses. */
export function withoutForeign(html: string): string {
  return html.replaceAll(FOREIGN_TAG, "").replaceAll(INLINE_STYLE, "").replaceAll(STYLE_ATTRIBUTE, "");
}
