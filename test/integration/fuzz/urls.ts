import { isIP } from "node:net";
import { CivoConfigError, parseCivoUrl } from "@node-agent/civo";
import type { Random } from "../../../packages/simulator/src/world/random.ts";
import { CANARY } from "../../unit/civo/support.ts";
import { garbled, hostileText, type Fuzz } from "./hostile.ts";

const URLS = [
  "https://api.civo.com",
  "http://127.0.0.1:8080",
  "http://localhost:9000",
  "http://[::1]:9000",
  `https://user:${CANARY}@api.civo.com`,
  `https://api.civo.com/${CANARY}`,
  `https://api.civo.com?key=${CANARY}`,
  "https://127.0.0.1",
  "http://2130706433",
  "https://0x7f.1",
  "https://169.254.169.254",
  "http://api.civo.com",
  "ftp://api.civo.com",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "https://[::ffff:10.0.0.1]",
  "https:api.civo.com",
  "https://localhost.evil.example",
  "https://127.0.0.1.evil.example",
  "http://127.0.0.1.evil.example",
] as const;
const PIECES = [
  "@",
  "#",
  "?",
  "/",
  "\\",
  "%00",
  "%2f",
  ":443",
  ".",
  "ⓔ",
  "．",
  "\t",
  "\n",
  "127.0.0.1",
  "localhost",
];

/** What is taken for the address of the cloud: https to a named host, or this very machine, and nothing of a secret is repeated. */
export const apiUrls: Fuzz = async (random, cases) => {
  const wrong: string[] = [];
  let taken = 0;
  for (let i = 0; i < cases; i += 1) {
    const text = urlText(random);
    try {
      const url = parseCivoUrl(text);
      taken += 1;
      if (!isSafe(url)) wrong.push(`${JSON.stringify(text)} was taken as ${url.href}`);
    } catch (error) {
      if (!(error instanceof CivoConfigError)) wrong.push(`${JSON.stringify(text)} threw ${String(error)}`);
      else if (error.message.includes(CANARY)) wrong.push(`${error.message} repeats a secret`);
    }
  }
  return { wrong, told: `${taken} were taken` };
};

function isSafe({ protocol, hostname, username, password, pathname, search, hash }: URL): boolean {
  const bare = username + password + search + hash === "" && pathname === "/";
  const here = hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/u.test(hostname);
  const named = isIP(hostname.replaceAll(/[[\]]/gu, "")) === 0;
  return (
    bare && (protocol === "https:" || protocol === "http:") && (here || (protocol === "https:" && named))
  );
}

function urlText(random: Random): string {
  const base = URLS[random.integer(URLS.length)] ?? "";
  const choice = random.next();
  if (choice < 0.1) return base;
  if (choice < 0.2) return hostileText(random);
  if (choice < 0.5) return garbled(random, base);
  const at = random.integer(base.length + 1);
  return base.slice(0, at) + (PIECES[random.integer(PIECES.length)] ?? "") + base.slice(at);
}
