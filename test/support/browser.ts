import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { eventually } from "./eventually.ts";

/** The first browser of this machine that speaks the DevTools protocol; undefined when there is none. */
export const BROWSER = ["chromium", "chromium-browser", "google-chrome"].find(
  (command) => spawnSync(command, ["--version"]).status === 0,
);

/** What a page asked for and what the browser refused, from its first request on. */
export interface Visit {
  /** Every URL that the page asked for, whether it was sent or not. */
  readonly requests: string[];
  /** What the browser said under Security: violations of the content policy. */
  readonly violations: string[];
  /** Uncaught exceptions of the page. */
  readonly exceptions: string[];
  /** Runs an expression in the page and returns its value. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** Waits until the visible text of the page has these words, and returns it. */
  readonly shows: (words: string) => Promise<string>;
}

/** A headless browser with a profile of its own; disposing ends it. */
export interface Browser extends AsyncDisposable {
  readonly visit: (url: string) => Promise<Visit>;
}

const message = z.object({
  id: z.number().optional(),
  method: z.string().optional(),
  sessionId: z.string().optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ message: z.string() }).optional(),
});
type Message = z.infer<typeof message>;
const requestSent = z.object({ request: z.object({ url: z.string() }) });
const logEntry = z.object({ entry: z.object({ source: z.string(), text: z.string() }) });
const exception = z.object({ exceptionDetails: z.object({ text: z.string() }).loose() });
const evaluated = z.object({ result: z.object({ value: z.unknown().optional() }) });

/** Starts the browser. Throws when there is none. */
export async function openBrowser(): Promise<Browser> {
  if (BROWSER === undefined) throw new Error("no browser on the PATH");
  const profile = mkdtempSync(join(tmpdir(), "node-agent-browser-"));
  const child = spawn(
    BROWSER,
    [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
    ].concat(`--user-data-dir=${profile}`, "--remote-debugging-port=0", "about:blank"),
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const address = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on("line", (line) => {
    const url = /DevTools listening on (?<url>ws:\S+)/u.exec(line)?.groups?.["url"];
    if (url !== undefined) address.resolve(url);
  });
  void ended.then(() => address.reject(new Error("the browser ended")));
  const devTools = await connect(await address.promise);
  return {
    visit: async (url) => visit(devTools, url),
    [Symbol.asyncDispose]: async () => {
      devTools.close();
      child.kill("SIGKILL");
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface DevTools {
  readonly send: (method: string, params?: object, sessionId?: string) => Promise<Record<string, unknown>>;
  readonly on: (hear: (event: Message) => void) => void;
  readonly close: () => void;
}

async function connect(url: string): Promise<DevTools> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  const listeners: ((event: Message) => void)[] = [];
  let latest = 0;
  socket.addEventListener("message", ({ data }) => {
    const received = message.parse(JSON.parse(String(data)));
    const answer = waiting.get(received.id ?? 0);
    if (answer === undefined) for (const hear of listeners) hear(received);
    else if (received.error === undefined) answer.resolve(received.result ?? {});
    else answer.reject(new Error(received.error.message));
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("the browser refused the connection")));
  });
  return {
    send: async (method, params = {}, sessionId) => {
      latest += 1;
      const answer = Promise.withResolvers<Record<string, unknown>>();
      waiting.set(latest, answer);
      socket.send(JSON.stringify({ id: latest, method, params, ...(sessionId && { sessionId }) }));
      return answer.promise;
    },
    on: (hear) => void listeners.push(hear),
    close: () => socket.close(),
  };
}

async function visit({ send, on }: DevTools, url: string): Promise<Visit> {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const session = String(sessionId);
  const requests: string[] = [];
  const violations: string[] = [];
  const exceptions: string[] = [];
  on(({ method, params, sessionId: of }) => {
    if (of !== session) return;
    if (method === "Network.requestWillBeSent") requests.push(requestSent.parse(params).request.url);
    if (method === "Runtime.exceptionThrown") exceptions.push(exception.parse(params).exceptionDetails.text);
    if (method !== "Log.entryAdded") return;
    const { entry } = logEntry.parse(params);
    if (entry.source === "security" || /content security policy/iu.test(entry.text))
      violations.push(entry.text);
  });
  for (const domain of ["Network", "Log", "Runtime", "Page"]) await send(`${domain}.enable`, {}, session);
  await send("Page.navigate", { url }, session);
  const evaluate = async (expression: string): Promise<unknown> => {
    const options = { expression, returnByValue: true, awaitPromise: true };
    return evaluated.parse(await send("Runtime.evaluate", options, session)).result.value;
  };
  return {
    requests,
    violations,
    exceptions,
    evaluate,
    shows: async (words) =>
      eventually(
        async () => {
          const text = String(await evaluate("document.body.innerText"));
          if (!text.includes(words)) throw new Error(`the page does not say ${words}: ${text}`);
          return text;
        },
        { within: 30_000 },
      ),
  };
}
