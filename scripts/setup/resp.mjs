/** @file Just enough of the Redis protocol to ask a server whether it is there, before any package is installed. */
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";

/**
 * Asks the Redis behind a `redis://` or `rediss://` URL for a PONG. Resolves to undefined when it answers, else to one
 * clear sentence that holds no password. Never rejects.
 */
export function pingRedis(text, { timeout = 3000 } = {}) {
  const url = parseUrl(text);
  if (url === undefined) return Promise.resolve("is not a URL such as redis://127.0.0.1:6379");
  const where = `${url.hostname}:${url.port || 6379}`;
  return new Promise((resolve) => {
    const target = { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 6379) };
    const socket =
      url.protocol === "rediss:" ? connectTls({ ...target, servername: target.host }) : connectTcp(target);
    let received = "";
    const finish = (problem) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(timeout, () => finish(`${where} does not answer within ${timeout} ms`));
    socket.on("error", (error) => finish(`${where} cannot be reached (${error.code ?? error.name})`));
    socket.on("close", () => finish(`${where} closed the connection`));
    socket.on(url.protocol === "rediss:" ? "secureConnect" : "connect", () => {
      if (url.password !== "") socket.write(command(authentication(url)));
      socket.write(command(["PING"]));
    });
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (received.endsWith("+PONG\r\n")) finish(undefined);
      else if (received.startsWith("-") && received.includes("\r\n"))
        finish(`${where} refuses: ${refusal(received)}`);
      else if (!/^[+-]/.test(received) || received.length > 1024) finish(`${where} is no Redis`);
    });
  });
}

function parseUrl(text) {
  try {
    const url = new URL(text);
    return /^rediss?:$/.test(url.protocol) && url.hostname !== "" ? url : undefined;
  } catch {
    return undefined;
  }
}

function authentication(url) {
  const password = decodeURIComponent(url.password);
  return url.username === "" ? ["AUTH", password] : ["AUTH", decodeURIComponent(url.username), password];
}

function command(words) {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

/** The kind of an error reply (NOAUTH, WRONGPASS, LOADING ...); the text after it is the server's own. */
function refusal(reply) {
  return /^-([A-Z]+)/.exec(reply)?.[1] ?? "an error";
}
