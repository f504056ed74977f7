import { call, type Coroutine, Local } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import { Transparent } from "../../pipeline/mod.ts";
import { shown } from "../../reactor/_describe.ts";
import { latin1Bytes } from "../_characters.ts";
import { refuseUnknown } from "../_limits.ts";
import type { HttpProtocolMessages } from "../http_protocol.ts";
import type { HttpRequest } from "../http_request.ts";
import { response, type ResponseHead } from "../response.ts";
import { checkFunction } from "../_check_function.ts";
import { passOn } from "./_pass_on.ts";

/**
 * Options of {@linkcode BasicAuthentication}.
 *
 * @category Components
 */
export interface BasicAuthenticationOptions {
  /** What the names and passwords are for. Browsers may show it. */
  realm: string;
  /**
   * Tells whether somebody may pass. See {@linkcode knownUsers}. It is called for each request, so it
   * should be quick. The name and the password are in Unicode's normal form C.
   */
  check: (name: string, password: string, request: HttpRequest) => boolean | Promise<boolean>;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Passes on the requests of those who have given a name and a password, and answers the others with
 * 401 (RFC 7617). Use it under TLS only: otherwise the password can be read on the way.
 *
 * Those behind it find the name in `BasicAuthentication.user.get()`.
 *
 * @example An area with a password
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { BasicAuthentication, HttpProtocol, knownUsers, ok } from "@weightless/io/http";
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertMatch } from "@std/assert";
 *
 * class Greeting extends Observable {
 *   *processRequest(): Coroutine {
 *     yield ok();
 *     yield `Hello, ${BasicAuthentication.user.get()}!`;
 *   }
 * }
 *
 * const check = knownUsers({ Ada: "difference" });
 * const http = be([
 *   new HttpProtocol(),
 *   [new BasicAuthentication({ realm: "engines", check }), [new Greeting()]],
 * ]);
 * const answer = (line: string) => {
 *   const protocol = http.processConnection();
 *   protocol.next();
 *   const request = `GET / HTTP/1.1\r\nHost: example.org\r\n${line}\r\n`;
 *   return String(protocol.next(new TextEncoder().encode(request)).value);
 * };
 * assertMatch(answer(""), / 401 [^]*www-authenticate: Basic realm="engines", charset="UTF-8"\r\n/);
 * assertMatch(answer(`Authorization: Basic ${btoa("Ada:difference")}\r\n`), /Hello, Ada!$/);
 * ```
 *
 * @category Components
 */
export class BasicAuthentication extends Transparent<HttpProtocolMessages> {
  /** The name of who has sent the request, for those behind a {@linkcode BasicAuthentication}. */
  static readonly user: Local<string> = new Local();

  readonly #check: BasicAuthenticationOptions["check"];
  readonly #unauthorized: ResponseHead;

  /**
   * Makes a component that asks for a name and a password.
   *
   * @param options The realm and the check.
   * @throws {TypeError} If one is missing, or an option is unknown.
   * @throws {LocalProtocolError} If the realm cannot be sent.
   */
  constructor(options: BasicAuthenticationOptions) {
    super();
    refuseUnknown("authenticate", options, ["realm", "check"]);
    const { realm, check } = options;
    if (typeof realm !== "string") {
      throw new TypeError(`Cannot authenticate: realm must be text, not ${shown(realm)}`);
    }
    checkFunction(check, "authenticate", "check");
    this.#check = check;
    this.#unauthorized = response(401, {
      "content-type": "text/plain",
      // RFC 7617 2.1: this tells the client how to encode what it sends.
      "www-authenticate": `Basic realm="${realm.replace(/["\\]/g, "\\$&")}", charset="UTF-8"`,
    });
  }

  /**
   * Passes a request on, or answers it with 401.
   *
   * @param request The request.
   * @returns The coroutine that answers it.
   * @throws {TypeError} From the coroutine, if the check gives no boolean: the answer is 500.
   * @throws {DeclineMessage} From the coroutine, if nobody behind it answers: the next observer is asked.
   */
  *processRequest(request: HttpRequest): Coroutine {
    const credentials = credentialsOf(request.headers.get("authorization"));
    if (credentials !== undefined) {
      const [name, password] = credentials;
      let verdict: unknown = this.#check(name, password, request);
      if (verdict instanceof Promise) verdict = yield* wait(verdict);
      if (typeof verdict !== "boolean") {
        throw new TypeError(
          `Cannot authenticate: check must give a boolean, not ${shown(verdict)}`,
        );
      }
      if (verdict) {
        BasicAuthentication.user.set(name);
        return yield* call(passOn(this, request));
      }
    }
    yield this.#unauthorized;
    yield "Unauthorized";
  }
}

/** The name and the password that the client has given, unless they are malformed. */
function credentialsOf(header: string | undefined): [name: string, password: string] | undefined {
  // RFC 9110 11.1: the scheme is compared without regard to case.
  const encoded = /^basic +([A-Za-z\d+/]+={0,2})$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  let text: string;
  try {
    const binary = atob(encoded);
    // The same text has one encoding only.
    if (btoa(binary) !== encoded) return undefined;
    // RFC 8265: the same letters may be composed in another way by another client.
    text = decoder.decode(latin1Bytes(binary)).normalize("NFC");
  } catch {
    return undefined;
  }
  const colon = text.indexOf(":");
  // RFC 7617 2: neither of them has control characters.
  if (colon < 0 || /\p{Cc}/u.test(text)) return undefined;
  return [text.slice(0, colon), text.slice(colon + 1)];
}
