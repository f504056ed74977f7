import { shown } from "../../reactor/_describe.ts";
import { SPACE, TAB, TOKEN } from "../_characters.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";

/** Reads the value of a header from left to right, for the grammar of RFC 6455 4.3. */
export class HeaderText {
  readonly #name: string;
  readonly #text: string;
  #at = 0;

  constructor(name: string, text: string) {
    this.#name = name;
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Reads a token and the blanks around it. */
  token(): string | undefined {
    this.#skipBlanks();
    const from = this.#at;
    while (TOKEN[this.#text.charCodeAt(this.#at)] === 1) this.#at++;
    const token = this.#text.slice(from, this.#at);
    this.#skipBlanks();
    return token === "" ? undefined : token;
  }

  skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** Reads a quoted-string. RFC 6455 9.1: what is in it, without escapes, MUST be a token. */
  quoted(): string {
    if (!this.skip('"')) this.fail();
    let value = "";
    while (!this.skip('"')) {
      this.skip("\\");
      if (TOKEN[this.#text.charCodeAt(this.#at)] !== 1) this.fail();
      value += this.#text[this.#at++];
    }
    this.#skipBlanks();
    return value === "" ? this.fail() : value;
  }

  fail(): never {
    throw new RemoteProtocolError(
      `Cannot open a WebSocket: ${this.#name} is malformed, ${shown(this.#text)} (RFC 6455 4.3)`,
    );
  }

  #skipBlanks(): void {
    for (let code; (code = this.#text.charCodeAt(this.#at)) === SPACE || code === TAB;) this.#at++;
  }
}
