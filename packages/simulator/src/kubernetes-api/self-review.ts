import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { Answer, ApiRequest } from "../http/exchange.ts";
import { kubeTime } from "./kube-object.ts";
import { apiVersionOf, qualifiedName, type DescribedResource } from "./resource.ts";
import { StatusError } from "./status-error.ts";
import { parseObject } from "./writes.ts";

/** The user of the token that is accepted, and of the kubeconfig. */
export const USER = "admin";

/** The kind by which a client asks who it is; it is answered and never stored. */
export const SELF_REVIEWS: DescribedResource = {
  group: "authentication.k8s.io",
  version: "v1",
  plural: "selfsubjectreviews",
  singular: "selfsubjectreview",
  kind: "SelfSubjectReview",
  namespaced: false,
  shortNames: [],
  hasStatus: false,
  verbs: ["create"],
};

const PATH = `/apis/${SELF_REVIEWS.group}/${SELF_REVIEWS.version}/${SELF_REVIEWS.plural}`;

/**
 * Answers a client that asks who it is: the user of the token, or the one that it impersonates, which an administrator may.
 * Undefined: the request asks something else. @throws {StatusError} BadRequest, MethodNotAllowed
 */
export function selfReview(request: ApiRequest, now: EpochMillis): Answer | undefined {
  if (request.path !== PATH) return undefined;
  if (request.method !== "POST") {
    const what = qualifiedName(SELF_REVIEWS);
    throw new StatusError("MethodNotAllowed", `the server does not allow ${request.method} on ${what}`);
  }
  const { kind } = parseObject(request, { resource: SELF_REVIEWS });
  return {
    status: 201,
    body: {
      kind,
      apiVersion: apiVersionOf(SELF_REVIEWS),
      metadata: { creationTimestamp: kubeTime(now) },
      status: { userInfo: userOf(request) },
    },
  };
}

function userOf({ headers }: ApiRequest): { readonly username: string; readonly groups: readonly string[] } {
  const impersonated = headers["impersonate-user"];
  if (impersonated === undefined) {
    return { username: USER, groups: ["system:masters", "system:authenticated"] };
  }
  const groups = [headers["impersonate-group"] ?? []].flat();
  return { username: String(impersonated), groups: [...groups, "system:authenticated"] };
}
