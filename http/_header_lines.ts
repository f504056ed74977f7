import { shown } from "../reactor/_describe.ts";
import { TOKEN } from "./_characters.ts";
import type { HeaderValue } from "./headers_to_send.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";

/** Header lines to send: checked, and written but for those that decide about framing. */
export abstract class HeaderLines {
  /** What was written so far. */
  text: string;
  /** Whether the text is ASCII. If not, it is sent as ISO-8859-1. */
  ascii = true;
  /** The Content-Length that was given. */
  contentLength: number | undefined = undefined;
  /** Whether the connection is to be closed after the message. */
  close = false;
  /** The protocols of the Upgrade headers; empty if there are none. */
  upgrade = "";

  /** Begins with the first line of the message. */
  constructor(line: string) {
    this.text = line;
  }

  /** Adds the lines of a header. */
  protected add(name: string, value: HeaderValue | undefined): void {
    if (value === undefined) return;
    if (Array.isArray(value)) {
      for (const one of value) this.add(name, one);
      return;
    }
    if (typeof value !== "string" && !Number.isFinite(value)) {
      throw new LocalProtocolError(
        `Cannot send header ${
          String(name)
        }: its value is neither text, nor a number, nor a list of these, as in ` +
          `ok({ "content-type": "text/plain" })`,
      );
    }
    const text = typeof value === "string" ? value : String(value);
    if (!isToken(name)) {
      throw new LocalProtocolError(
        `Cannot send a header named ${
          typeof name === "string" ? JSON.stringify(name) : shown(name)
        }: a name has letters, digits and hyphens (RFC 9110 5.1)`,
      );
    }
    if (!isVisible(text)) {
      this.ascii = false;
      // RFC 9110 5.5: CR, LF and NUL are dangerous: whoever chooses the value could add headers, or
      // another response.
      if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) {
        throw new LocalProtocolError(
          `Cannot send header ${name}: its value has a line break, a control character or one beyond ISO-8859-1 ` +
            "(RFC 9110 5.5); encode it",
        );
      }
    }
    if (!isOurs(name) || this.isData(name.toLowerCase(), text)) {
      this.text += `${name}: ${text}\r\n`;
    }
  }

  /**
   * Notes what a line says of framing and connection. Returns whether the line is sent as it is.
   */
  protected isData(name: string, value: string): boolean {
    switch (name) {
      case "content-length":
        return this.#setContentLength(value);
      case "transfer-encoding":
        // RFC 9112 6.1: the framing is chosen later, when the length of the body and the version of
        // the client are known.
        if (value.toLowerCase() === "chunked") return false;
        throw new LocalProtocolError(
          `Cannot send Transfer-Encoding: ${value}: leave it out, chunked is used where it is needed`,
        );
      case "connection": {
        const options = value.toLowerCase().split(",").map((option) => option.trim());
        if (options.includes("close")) this.close = true;
        return options.some((option) =>
          option !== "close" && option !== "keep-alive" && option !== "upgrade"
        );
      }
      case "upgrade":
        this.upgrade += this.upgrade === "" ? value : `,${value}`;
        return true;
      default:
        return true;
    }
  }

  #setContentLength(value: string): boolean {
    if (!/^\d{1,15}$/.test(value)) {
      throw new LocalProtocolError(
        `Cannot send Content-Length: ${value}: it must be a number of bytes`,
      );
    }
    if (this.contentLength !== undefined && this.contentLength !== Number(value)) {
      throw new LocalProtocolError("Cannot send more than one Content-Length (RFC 9110 8.6)");
    }
    this.contentLength = Number(value);
    return false;
  }
}

/** Whether a name may concern framing or connection, judged by its length. */
function isOurs({ length }: string): boolean {
  return length === 4 || length === 7 || length === 10 || length === 14 || length === 17;
}

export function isToken(name: string): boolean {
  if (typeof name !== "string") return false;
  for (let i = 0; i < name.length; i++) if (TOKEN[name.charCodeAt(i)] !== 1) return false;
  return name !== "";
}

function isVisible(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}
