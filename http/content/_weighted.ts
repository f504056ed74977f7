import { TOKEN } from "../_characters.ts";

/** One element of a list such as Accept, in lower case. */
export interface Weighted {
  /** Without its parameters. */
  readonly name: string;
  /** Other parameters than the weight. */
  readonly parameters: ReadonlyMap<string, string>;
  /** RFC 9110 12.4.2: 0 means "not acceptable", 1 is the default. */
  readonly weight: number;
}

/**
 * Reads a list with weights: RFC 9110 5.6.1, 12.4.2. An element that is malformed, or whose weight
 * is, is left out: nothing can be told from it.
 */
export function weighted(list: string): Weighted[] {
  const elements: Weighted[] = [];
  forEachPart(list, COMMA, 0, list.length, (from, to) => {
    let name: string | undefined;
    let weight = 1;
    const parameters = new Map<string, string>();
    const isValid = forEachPart(list, SEMICOLON, from, to, (from, to) => {
      if (name === undefined) {
        name = trimmed(list, from, to).toLowerCase();
        return isName(name);
      }
      const parameter = parameterOf(list, from, to);
      if (parameter === undefined) return trimmed(list, from, to) === "";
      const [key, value] = parameter;
      // RFC 9110 12.5.1: recipients SHOULD process any parameter named "q" as weight.
      if (key !== "q") parameters.set(key, value.toLowerCase());
      // RFC 9110 12.4.2 has a digit before the point, and 3 after it. Some send others.
      else if (!/^(?:0|0?\.\d*|1(?:\.0*)?)$/.test(value)) return false;
      else weight = Number(value);
      return true;
    });
    if (isValid && name) elements.push({ name, parameters, weight });
    return true;
  });
  return elements;
}

const COMMA = 0x2c, SEMICOLON = 0x3b, QUOTE = 0x22, BACKSLASH = 0x5c;

/** Finds the parts between separators that are not quoted. Stops at one that is false. */
function forEachPart(
  text: string,
  separator: number,
  from: number,
  to: number,
  use: (from: number, to: number) => boolean,
): boolean {
  let isQuoted = false;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isQuoted = !isQuoted;
    else if (isQuoted && code === BACKSLASH) at++;
    else if (code === separator && !isQuoted) {
      if (!use(from, at)) return false;
      from = at + 1;
    }
  }
  return use(from, to);
}

/** RFC 9110 5.6.6: `name=value`, where the value may be quoted. */
function parameterOf(text: string, from: number, to: number): [string, string] | undefined {
  const parameter = trimmed(text, from, to);
  const at = parameter.indexOf("=");
  const key = parameter.slice(0, at).toLowerCase();
  if (at <= 0 || !isToken(key)) return undefined;
  const value = parameter.slice(at + 1);
  if (isToken(value)) return [key, value];
  const { length } = value;
  if (length < 2 || value.charCodeAt(0) !== QUOTE || value.charCodeAt(length - 1) !== QUOTE) {
    return undefined;
  }
  return [key, value.slice(1, -1).replaceAll(/\\(.)/g, "$1")];
}

/** A token, or two with a slash between them. */
function isName(name: string): boolean {
  const slash = name.indexOf("/");
  return slash < 0
    ? isToken(name)
    : isToken(name.slice(0, slash)) && isToken(name.slice(slash + 1));
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (TOKEN[text.charCodeAt(i)] !== 1) return false;
  return text !== "";
}

function trimmed(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
