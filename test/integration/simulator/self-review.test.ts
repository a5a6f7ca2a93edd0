import { describe, expect, test } from "vitest";
import { kube, quickSimulator } from "./http-client.ts";

describe("a client that asks who it is", () => {
  const REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };

  test("hears the user of the token", async () => {
    await using simulator = await quickSimulator();
    const answer = await kube(simulator, REVIEW, { method: "POST", body });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      ...body,
      metadata: { creationTimestamp: expect.stringMatching(/Z$/u) },
      status: { userInfo: { username: "admin", groups: ["system:masters", "system:authenticated"] } },
    });
  });

  test("hears the user that it impersonates", async () => {
    await using simulator = await quickSimulator();
    const headers = { "impersonate-user": "bob", "impersonate-group": "ops" };
    const answer = await kube(simulator, REVIEW, { method: "POST", body, headers });
    expect(answer.body.status).toEqual({
      userInfo: { username: "bob", groups: ["ops", "system:authenticated"] },
    });
  });

  test("without the token is 401, with another body 400, and may only create", async () => {
    await using simulator = await quickSimulator();
    const refused = await kube(simulator, REVIEW, {
      method: "POST",
      body,
      headers: { authorization: "Bearer wrong" },
    });
    expect(refused.status).toBe(401);
    const other = { ...body, kind: "SelfSubjectAccessReview" };
    expect((await kube(simulator, REVIEW, { method: "POST", body: other })).status).toBe(400);
    expect((await kube(simulator, REVIEW)).status).toBe(405);
  });

  test("finds the kind by discovery, with one verb", async () => {
    await using simulator = await quickSimulator();
    const { body: list } = await kube(simulator, "/apis/authentication.k8s.io/v1");
    expect(list).toMatchObject({
      groupVersion: "authentication.k8s.io/v1",
      resources: [{ name: "selfsubjectreviews", kind: "SelfSubjectReview", verbs: ["create"] }],
    });
  });
});
