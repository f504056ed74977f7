const COMMA = 0x2c, QUOTE = 0x22;

/**
 * Finds the entity tags in a list (RFC 9110 8.8.3): `W/"a", "b,c"`. What is none, up to the next
 * comma, is ignored.
 */
export function* etagsIn(list: string): Generator<string, void, undefined> {
  for (let at = 0; at < list.length;) {
    while (at < list.length && isBetween(list.charCodeAt(at))) at++;
    const from = at;
    if (list.startsWith("W/", at)) at += 2; // case-sensitive
    let end = -1;
    if (list.charCodeAt(at) === QUOTE) {
      end = at + 1;
      while (end < list.length && isTagged(list.charCodeAt(end))) end++;
    }
    if (end < 0 || list.charCodeAt(end) !== QUOTE) {
      at = list.indexOf(",", Math.max(end, at));
      if (at < 0) return;
      continue;
    }
    at = end + 1;
    let next = at;
    while (next < list.length && isBlank(list.charCodeAt(next))) next++;
    if (next === list.length || list.charCodeAt(next) === COMMA) yield list.slice(from, at);
    else if ((at = list.indexOf(",", next)) < 0) return;
  }
}

/** RFC 9110 8.8.3.2: both are strong, and the same. */
export function isSameStrong(one: string, other: string): boolean {
  return one === other && !isWeak(one);
}

/** RFC 9110 8.8.3.2: the same but for the mark of weak ones. */
export function isSameWeak(one: string, other: string): boolean {
  return opaque(one) === opaque(other);
}

export function isWeak(tag: string): boolean {
  return tag.startsWith("W/");
}

function opaque(tag: string): string {
  return isWeak(tag) ? tag.slice(2) : tag;
}

/** RFC 9110 8.8.3: etagc. */
function isTagged(code: number): boolean {
  return code === 0x21 || code >= 0x23 && code <= 0x7e || code >= 0x80 && code <= 0xff;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isBetween(code: number): boolean {
  return code === COMMA || isBlank(code);
}
