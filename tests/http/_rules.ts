/** The form of the rules of the RFCs: what is asked for, what is sent, and what is answered. */
import type { HttpServerOptions } from "../../http/mod.ts";
import { ANSWERED, ENDED, type Sent } from "./_live.ts";

export { ANSWERED, ENDED };

/** What a client sends, and what it gets. */
export interface Exchange {
  /** What the client sends: one text, or several, each after the one before has arrived. */
  sent: string | Sent[];
  /** What comes back until the server closes the connection. */
  answer: RegExp;
  /** More options of the server. */
  options?: Partial<HttpServerOptions>;
  /** Whether the client speaks TLS. */
  tls?: boolean;
}

export interface Rule extends Exchange {
  /** The RFC and its section. */
  section: string;
  /** What the RFC asks for. */
  requirement: string;
  /** What this server does. */
  reaction: string;
}

/** A rule that another test holds, because it takes more than an exchange of texts. */
export interface RuleElsewhere extends Pick<Rule, "section" | "requirement" | "reaction"> {
  test: string;
}

const END = "Connection: close\r\n\r\n";

/** A request, the last one. */
export function last(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, "Host: x", ...fields, END].join("\r\n");
}

/** A request after which the connection stays open. */
export function kept(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, "Host: x", ...fields, "", ""].join("\r\n");
}

export function refused(status: number): RegExp {
  return new RegExp(`^HTTP/1\\.1 ${status} (.+\r\n)+connection: close\r\n(.+\r\n)*\r\n.+$`);
}

/** The handler of the tests says what it was asked for. */
export function accepted(text = "GET /"): RegExp {
  return new RegExp(`^HTTP/1\\.1 200 OK\r\n(.+\r\n)+\r\n${escaped(text)}$`);
}

/** An answer with these fields. A name with a `!` before it is one that the answer does not have. */
export function answered(status: number, fields: string[], body = ""): RegExp {
  const looks = fields.map((field) =>
    field.startsWith("!")
      ? `(?!(?:.+\r\n)*${field.slice(1)}:)`
      : `(?=(?:.+\r\n)*${escaped(field)}\r\n)`
  );
  return new RegExp(
    `^HTTP/1\\.1 ${status} .*\r\n${looks.join("")}(?:.+\r\n)+\r\n${escaped(body)}$`,
  );
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The name of the test of a rule. */
export function testOf(rule: Rule | RuleElsewhere): string {
  return "test" in rule ? rule.test : `RFC ${rule.section}: ${rule.requirement}`;
}

export const chunked = (body: string, ...fields: string[]): string =>
  last("POST /", "Transfer-Encoding: chunked", ...fields) + body;
