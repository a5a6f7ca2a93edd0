import { field, listOf, objectOf, tokenOf } from "./raw-values.ts";

/** More are no node's: two families of each kind, and some to spare. */
const MOST = 16;
/** The longest written IPv6 address with a prefix length. */
const LONGEST = 64;

/**
 * The addresses under which something on this node is met: its own (`InternalIP`) and those of its pods (`podCIDRs`).
 * Read from a Node object of any origin; never throws. Not a part of the snapshot: no rule judges a node by them.
 */
export function addressesOf(raw: unknown): readonly string[] {
  try {
    const spec = objectOf(field(objectOf(raw), "spec"));
    const status = objectOf(field(objectOf(raw), "status"));
    const own = listOf(field(status, "addresses"))
      .slice(0, MOST)
      .map(objectOf)
      .filter((entry) => field(entry, "type") === "InternalIP")
      .map((entry) => field(entry, "address"));
    const pods = [field(spec, "podCIDR"), ...listOf(field(spec, "podCIDRs")).slice(0, MOST)];
    const found = [...own, ...pods].flatMap((value) => tokenOf(value, LONGEST) ?? []);
    return [...new Set(found)].slice(0, MOST);
  } catch {
    // An exotic object (a throwing getter, a revoked proxy) has no address.
    return [];
  }
}
