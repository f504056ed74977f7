/**
 * A value in a message, on one short line: `"text"`, `[GeneratorFunction: main]`, `[Promise]`,
 * `[Array(3)]`. It uses nothing but the language, so that it is the same in all runtimes.
 */
export function describe(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  }
  if (typeof value === "bigint") return `${value}n`;
  const isFunction = typeof value === "function";
  if (!isFunction && (typeof value !== "object" || value === null)) return String(value);
  try {
    const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
    if (isFunction) return `[${kind}: ${value.name || "(anonymous)"}]`;
    const name = value.constructor?.name || kind;
    if (value instanceof Error) return `[${name}: ${value.message.slice(0, 40)}]`;
    const { length } = value as { length?: unknown };
    return typeof length === "number" ? `[${name}(${length})]` : `[${name}]`;
  } catch {
    return typeof value; // A message must come out whatever it tells of.
  }
}
