/** Header lines as HTTP/2 sends them: names in lower case, and values, alternating. */
import type { Head } from "../_head.ts";
import type { Trailers } from "../_trailers.ts";

/** RFC 9113 8.2.2: what is about the connection of HTTP/1.1 MUST NOT be sent. */
const OF_CONNECTION = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const heads = new WeakMap<Head, readonly string[]>();

/** The fields of a response's head, with its status. The same head gives the same list. */
export function listOfHead(head: Head): readonly string[] {
  let list = heads.get(head);
  if (list === undefined) {
    const { text } = head;
    list = [":status", String(head.status), ...linesOf(text.slice(text.indexOf("\r\n") + 2))];
    heads.set(head, list);
  }
  return list;
}

export function listOfTrailers({ text }: Trailers): readonly string[] {
  return linesOf(text);
}

function linesOf(text: string): string[] {
  const list: string[] = [];
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    // RFC 9113 8.2.1: a value has no blanks at its ends.
    if (colon > 0 && !OF_CONNECTION.has(name)) list.push(name, line.slice(colon + 1).trim());
  }
  return list;
}
