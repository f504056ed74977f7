/** Writes the head of a request (RFC 9112 3, RFC 9110 7.2). */
import { shown } from "../../reactor/_describe.ts";
import { latin1Bytes } from "../_characters.ts";
import { listed } from "../_head.ts";
import { HeaderLines, isToken } from "../_header_lines.ts";
import type { HeadersToSend, HeaderValue } from "../headers_to_send.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import type { Content } from "./_content.ts";

type Header = readonly [name: string, value: HeaderValue | undefined];

/** What the head of a request is made of. */
export interface HeadParts {
  readonly method: string;
  /** What the request line has. */
  readonly target: string;
  /** The protocol that an extended CONNECT asks for. */
  readonly protocol?: string | undefined;
  /** What Host says, unless it is given in `headers`. */
  readonly host: string | undefined;
  /** Headers that count only if `headers` has none of their names. */
  readonly defaults?: HeadersToSend | undefined;
  readonly headers?: HeadersToSend | undefined;
  /** Headers that the client makes, if the user has given none of their names. In lower case. */
  readonly made: Readonly<Record<string, string | undefined>>;
  /** Names, in lower case, of headers that are left out; also all that begin with CONTENT, if it has that. */
  readonly without?: ReadonlySet<string> | undefined;
  readonly content?: Pick<Content, "length" | "type"> | undefined;
  readonly expects?: boolean;
}

/** Begins the names of headers that tell something of the content. */
export const CONTENT = "content-";

/** RFC 9110 9.3: a method with these names usually has content, which is empty then. */
const WITH_CONTENT = /^(?:POST|PUT|PATCH)$/;

export class RequestHead extends HeaderLines {
  readonly method: string;
  /** What the request line has. */
  readonly target: string;
  /** The protocol that an extended CONNECT asks for. */
  readonly protocol: string | undefined;
  /** The length of the body; undefined if it is chunked. */
  readonly length: number | undefined;

  /** @throws {LocalProtocolError} If it cannot be sent. */
  constructor(parts: HeadParts) {
    const { method, target, host, content, made } = parts;
    if (typeof method !== "string" || !isToken(method)) {
      throw new LocalProtocolError(
        `Cannot ask by the method ${shown(method)}: it has letters, as GET (RFC 9110 9.1)`,
      );
    }
    super(`${method} ${target} HTTP/1.1\r\n`);
    this.method = method;
    this.target = target;
    this.protocol = parts.protocol;
    const { without } = parts;
    const given = headersOf(parts.headers, without);
    const names = given === undefined ? undefined : new Set(given.map(nameOf));
    const defaults = headersOf(parts.defaults, without)?.filter((header) =>
      !names?.has(nameOf(header))
    );
    const headers = given === undefined ? defaults : [...defaults ?? [], ...given];
    const isGiven = (name: string) => headers?.some((header) => nameOf(header) === name) ?? false;
    // RFC 9110 7.2: a user agent SHOULD send Host first.
    if (isGiven("host")) checkHost(headers!);
    else if (host === undefined) throw noHost();
    else this.text += `host: ${host}\r\n`;
    if (headers !== undefined) {
      for (const header of headers) {
        if (nameOf(header) === "expect" && header[1] !== undefined) {
          throw new LocalProtocolError(
            "Cannot send Expect: use the option expectContinue, so that the client waits",
          );
        }
        this.add(header[0], header[1]);
      }
    }
    for (const name in made) if (!isGiven(name)) this.add(name, made[name]);
    if (content !== undefined && !isGiven("content-type")) this.add("content-type", content.type);
    this.length = this.#frame(content, method);
    if (parts.expects) this.text += "expect: 100-continue\r\n";
    if (this.close) this.text += "connection: close\r\n";
    else if (this.upgrade !== "") this.text += "connection: upgrade\r\n";
    this.text += "\r\n";
  }

  /** What is sent. */
  get data(): string | Uint8Array {
    return this.ascii ? this.text : latin1Bytes(this.text);
  }

  /** RFC 9112 6: a Content-Length, or chunks. Returns the length, if it is known. */
  #frame(content: HeadParts["content"], method: string): number | undefined {
    const { contentLength } = this;
    if (content === undefined && contentLength === undefined && !WITH_CONTENT.test(method)) {
      return 0;
    }
    const known = content === undefined ? 0 : content.length;
    if (known !== undefined && contentLength !== undefined && known !== contentLength) {
      throw new LocalProtocolError(
        `Cannot send Content-Length: ${contentLength}: the body has ${known} bytes`,
      );
    }
    const length = known ?? contentLength;
    this.text += length === undefined
      ? "transfer-encoding: chunked\r\n"
      : `content-length: ${length}\r\n`;
    return length;
  }
}

function headersOf(
  headers: HeadersToSend | undefined,
  without: ReadonlySet<string> | undefined,
): readonly Header[] | undefined {
  if (headers === undefined) return undefined;
  const all = listed(headers);
  const left = without === undefined ? all : all.filter((header) => {
    const name = nameOf(header);
    return !without.has(name) && !(name.startsWith(CONTENT) && without.has(CONTENT));
  });
  return left.length === 0 ? undefined : left;
}

function nameOf([name]: Header): string {
  return name.toLowerCase();
}

/** RFC 9112 3.2: a client MUST send one Host. */
function checkHost(headers: readonly Header[]): void {
  const values = headers.filter((header) => nameOf(header) === "host").flatMap(([, value]) =>
    value
  );
  if (values.length === 1) return;
  throw noHost();
}

function noHost(): LocalProtocolError {
  return new LocalProtocolError("Cannot send more than one Host, or none (RFC 9112 3.2)");
}
