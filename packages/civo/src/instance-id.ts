/** What Civo's cloud controller writes into `spec.providerID`: `civo://` and the id of the instance. */
const providerId = /^civo:\/\/(?<id>[0-9a-f-]{36})$/;

/** True for the exact form of a Civo instance id. */
export function isInstanceId(text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text);
}

/** The instance id in a provider id, or undefined when it is not exactly `civo://<id>`. */
export function instanceIdOf(text: string): string | undefined {
  return providerId.exec(text)?.groups?.["id"];
}
