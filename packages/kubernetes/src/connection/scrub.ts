const LONGEST = 300;

/**
 * Text of others with the secrets we hold, and everything shaped like one, replaced. A server may echo a header, a plugin
 * may print its token.
 */
export function withoutSecrets(textOfOthers: string, secrets: readonly (string | undefined)[] = []): string {
  let clean = textOfOthers;
  for (const secret of secrets) {
    if (secret !== undefined && secret.length >= 4) clean = clean.replaceAll(secret, "[redacted]");
  }
  return clean
    .replaceAll(/\b(bearer|basic)\s+\S+/gi, "$1 [redacted]")
    .replaceAll(/eyJ[\w-]+\.[\w-]*\.?[\w-]*/g, "[redacted]")
    .replaceAll(/[A-Za-z0-9+/_=-]{40,}/g, "[redacted]");
}

/** Makes text of others fit for an error message: no secret is left, and the rest is cut to one short line. */
export function scrub(textOfOthers: string, secrets: readonly (string | undefined)[] = []): string {
  const clean = withoutSecrets(textOfOthers, secrets).replaceAll(/\s+/g, " ").trim();
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}...` : clean;
}
