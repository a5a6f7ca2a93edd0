const LONGEST = 300;

/**
 * Makes text of others fit for an error message: the secrets we hold and everything shaped like one is replaced, the
 * rest is cut to one short line. A server may echo a header, a plugin may print its token.
 */
export function scrub(textOfOthers: string, secrets: readonly (string | undefined)[] = []): string {
  let clean = textOfOthers;
  for (const secret of secrets) {
    if (secret !== undefined && secret.length >= 4) clean = clean.replaceAll(secret, "[redacted]");
  }
  clean = clean
    .replaceAll(/\b(bearer|basic)\s+\S+/gi, "$1 [redacted]")
    .replaceAll(/eyJ[\w-]+\.[\w-]*\.?[\w-]*/g, "[redacted]")
    .replaceAll(/[A-Za-z0-9+/_=-]{40,}/g, "[redacted]")
    .replaceAll(/\s+/g, " ")
    .trim();
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}...` : clean;
}
