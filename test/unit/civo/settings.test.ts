import { CivoConfigError, createCivoClient, parseCivoUrl } from "@node-agent/civo";
import { Secret } from "@node-agent/shared/runtime/secret.ts";
import { describe, expect, test } from "vitest";
import { CANARY, clientOptions, scriptedDispatch, testClock } from "./support.ts";

describe("parseCivoUrl", () => {
  test.each([
    ["https://api.civo.com", "https://api.civo.com"],
    [" https://api.civo.com/ ", "https://api.civo.com"],
    ["https://api.civo.com:8443", "https://api.civo.com:8443"],
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://[::1]:8080", "http://[::1]:8080"],
  ])("accepts %s", (text, origin) => {
    expect(parseCivoUrl(text).origin).toBe(origin);
  });

  test.each([
    ["", "must be a URL"],
    ["api.civo.com", "must be a URL"],
    ["http://api.civo.com", "must be https"],
    ["http://127.0.0.1.evil.example", "must be https"],
    ["http://localhost.evil.example", "must be https"],
    ["http://169.254.169.254", "must be https"],
    ["http://0.0.0.0", "must be https"],
    ["ftp://api.civo.com", "must be https"],
    ["file:///etc/passwd", "must be https"],
    ["https://169.254.169.254", "not an IP address"],
    ["https://2852039166", "not an IP address"],
    ["https://0xa9.0xfe.0xa9.0xfe", "not an IP address"],
    ["https://[fd00::1]", "not an IP address"],
    ["https://[::ffff:169.254.169.254]", "not an IP address"],
    ["https://api.civo.com@evil.example", "user name"],
    ["https://user:pass@api.civo.com", "user name"],
    ["https://api.civo.com/v2", "without path"],
    ["https://api.civo.com/?region=LON1", "without path"],
    ["https://api.civo.com/#x", "without path"],
  ])("refuses %s and names the variable", (text, message) => {
    const parse = () => parseCivoUrl(text);
    expect(parse).toThrow(CivoConfigError);
    expect(parse).toThrow(/^CIVO_API_URL/);
    expect(parse).toThrow(message);
  });

  test("allowInsecure lets a simulator in another container be named", () => {
    expect(parseCivoUrl("http://simulator:8080", { allowInsecure: true }).hostname).toBe("simulator");
  });

  test("an error never repeats a password of the URL or a key pasted into the wrong variable", () => {
    for (const text of [`https://me:${CANARY}@api.civo.com`, CANARY, `https://api.civo.com/${CANARY}`]) {
      expect(() => parseCivoUrl(text)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining(CANARY) }),
      );
    }
  });
});

describe("the settings of a client", () => {
  const { dispatcher } = scriptedDispatch(() => ({ status: 200, body: "{}" }));
  const { clock } = testClock();

  test.each([
    ["CIVO_API_KEY", { apiKey: Secret.of("") }],
    ["CIVO_API_KEY", { apiKey: Secret.of(`${CANARY}\n`) }],
    ["CIVO_REGION", { region: "" }],
    ["CIVO_REGION", { region: "LON1&region=NYC1" }],
    ["CIVO_CLUSTER_ID", { clusterId: ".." }],
    ["CIVO_CLUSTER_ID", { clusterId: "a/b" }],
    ["user agent", { userAgent: "node-agent\r\nx: y" }],
  ])("a bad %s is refused before anything is sent", (name, overrides) => {
    const create = () => createCivoClient(clientOptions({ dispatcher, clock, ...overrides }));
    expect(create).toThrow(CivoConfigError);
    expect(create).toThrow(name);
    expect(create).toThrow(expect.not.objectContaining({ message: expect.stringContaining(CANARY) }));
  });
});
