/** The fields of an object that have a value: an absent field is absent, not undefined. Their order stays. */
export function defined<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const kept: { [Key in keyof T]?: T[Key] } = {};
  for (const key in fields) if (fields[key] !== undefined) kept[key] = fields[key];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a check of a value does not narrow the type of its field.
  return kept as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}
