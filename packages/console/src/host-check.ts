import { isIP } from "node:net";

/** Whose requests are answered. */
export interface HostRules {
  /** The address or name that the server was told to listen on. */
  readonly host: string;
  /** Further names, such as that of an ingress. */
  readonly allowedHosts: readonly string[];
}

/**
 * Whether a request may be answered, by its Host header (with or without a port) and the address at which it arrived.
 * DNS rebinding: a page of a foreign name that now resolves to this machine sends that name, and is refused.
 */
export function isAllowedHost(
  header: string | undefined,
  localAddress: string | undefined,
  { host, allowedHosts }: HostRules,
): boolean {
  const name = nameOf(header ?? "");
  if (name === undefined) return false;
  if (isLoopback(name)) return true;
  const known = [...allowedHosts, ...(isUnspecified(host) ? [] : [host]), localAddress ?? ""];
  return known.some((one) => one !== "" && plain(one) === name);
}

const HOST_AND_PORT = /^(?<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/u;

/** The name or address in a Host header, without port and brackets; undefined when it is none. */
function nameOf(header: string): string | undefined {
  const name = HOST_AND_PORT.exec(header.toLowerCase())?.groups?.["name"];
  return name === undefined ? undefined : plain(name);
}

/** Lower case, without brackets, without the prefix of an IPv4 address in IPv6, without the dot of a full name. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[[\]]/gu, "")
    .replace(/^::ffff:(?=\d+\.)/u, "")
    .replace(/\.$/u, "");
}

function isLoopback(name: string): boolean {
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

/** "Every interface" is no name. */
function isUnspecified(host: string): boolean {
  return plain(host) === "0.0.0.0" || plain(host) === "::";
}
