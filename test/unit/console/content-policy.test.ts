import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONTENT_SECURITY_POLICY, withoutForeign } from "../../../packages/console/src/content-policy.ts";

const PAGE = `<head><base href="/queues/" />
<link href="https://fonts.example/css2?family=A&display=swap" rel="stylesheet">
<link rel="preconnect" href="//fonts.example">
<link href="static/css/main.css" rel="stylesheet"></head>
<body><script src="https://cdn.example/x.js"></script><script defer src="static/js/main.js"></script>
<img alt="" src="http://pixel.example/p.gif">
<script id="c" type="application/json">{"title":"see https://docs.example"}</script>
<div style="color:red">Loading</div><style>@keyframes a{0%{opacity:0}}</style></body>`;

test("what a page would load from other hosts is taken out, and nothing else", () => {
  expect(withoutForeign(PAGE).replaceAll(/\n+/gu, "\n")).toBe(`<head><base href="/queues/" />
<link href="static/css/main.css" rel="stylesheet"></head>
<body><script defer src="static/js/main.js"></script>
<script id="c" type="application/json">{"title":"see https://docs.example"}</script>
<div>Loading</div></body>`);
});

test("the page of this bull-board is left with its own files alone", () => {
  const page = withoutForeign(readFileSync("node_modules/@bull-board/ui/dist/index.ejs", "utf8"));
  const loads = [...page.matchAll(/<(?:link|script)[^>]*(?:href|src)="(?<url>[^"]*)"/gu)].map(
    ({ groups }) => groups?.["url"] ?? "",
  );
  expect(loads.length).toBeGreaterThanOrEqual(7);
  for (const url of loads) expect(url).toMatch(/^(?:static\/|<%= favIcon)/u);
  expect(page).not.toMatch(/<style|\sstyle=/u);
  expect(page).toContain('id="root"');
});

test("the policy starts from nothing and allows neither inline code nor another host", () => {
  expect(CONTENT_SECURITY_POLICY.startsWith("default-src 'none'; ")).toBe(true);
  expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|http|\*|data:/u);
  const sources = new Set(
    [...CONTENT_SECURITY_POLICY.matchAll(/'(?<word>[a-z]+)'/gu)].map(([, word]) => word),
  );
  expect(sources).toEqual(new Set(["none", "self"]));
});
