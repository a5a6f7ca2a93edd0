import { isIP } from "node:net";

/** A setting that no client can be built from; the message names the variable and never shows a secret. */
export class CivoConfigError extends Error {
  readonly code: "InvalidUrl" | "InvalidKey" | "InvalidRegion" | "InvalidClusterId" | "InvalidUserAgent";

  constructor(code: CivoConfigError["code"], message: string) {
    super(message);
    this.name = "CivoConfigError";
    this.code = code;
  }
}

/** Options of `parseCivoUrl`. */
export interface CivoUrlOptions {
  /** Accepts plain http and bare IP addresses of any host: for a simulator in another container, never for a cloud. */
  readonly allowInsecure?: boolean;
}

/**
 * Reads CIVO_API_URL: the key is sent to whatever it names, so only `https://<host name>[:port]` passes, and plain
 * http on loopback (the simulator). Throws `CivoConfigError`. The WHATWG parser has already normalised odd spellings
 * (`http://2130706433` is 127.0.0.1), so the checks see the host that would be called.
 */
export function parseCivoUrl(text: string, options: CivoUrlOptions = {}): URL {
  const url = URL.parse(text.trim());
  // A text that does not parse may be a key pasted into the wrong variable: it is not repeated.
  if (url === null) throw invalidUrl("must be a URL such as https://api.civo.com");
  if (url.username !== "" || url.password !== "") throw invalidUrl("must not carry a user name or password");
  const shown = `${url.protocol}//${url.host}`;
  if (url.protocol !== "https:" && url.protocol !== "http:") throw invalidUrl(`must be https, got ${shown}`);
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw invalidUrl(`must be an origin without path, query or fragment, got more than ${shown}`);
  }
  if (options.allowInsecure === true || isLoopback(url.hostname)) return url;
  if (url.protocol !== "https:") throw invalidUrl(`must be https (http is for loopback only), got ${shown}`);
  if (isIP(url.hostname.replaceAll(/^\[|\]$/g, "")) !== 0) {
    throw invalidUrl(`must name a host, not an IP address, got ${shown}`);
  }
  return url;
}

/** What the client puts into each request; checked once, when the client is built. */
interface RequestSettings {
  readonly apiKey: string;
  readonly region: string;
  readonly clusterId: string;
  readonly userAgent: string;
}

/** Throws `CivoConfigError` for a setting that would break a header or a path. */
export function assertRequestSettings(settings: RequestSettings): void {
  if (!/^[!-~]{1,512}$/.test(settings.apiKey)) {
    throw new CivoConfigError(
      "InvalidKey",
      "CIVO_API_KEY must be visible ASCII without spaces or line breaks",
    );
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(settings.region)) {
    throw new CivoConfigError("InvalidRegion", "CIVO_REGION must be a region code such as LON1");
  }
  // Dots alone would be read as a path segment of their own ("..").
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(settings.clusterId)) {
    throw new CivoConfigError(
      "InvalidClusterId",
      "CIVO_CLUSTER_ID must be the id of a Civo Kubernetes cluster",
    );
  }
  if (!/^[ -~]{1,256}$/.test(settings.userAgent)) {
    throw new CivoConfigError("InvalidUserAgent", "the user agent must be printable ASCII");
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function invalidUrl(what: string): CivoConfigError {
  return new CivoConfigError("InvalidUrl", `CIVO_API_URL ${what}`);
}
