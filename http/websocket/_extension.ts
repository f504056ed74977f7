/**
 * The negotiation of permessage-deflate (RFC 7692 7.1), by the header Sec-WebSocket-Extensions
 * (RFC 6455 9.1). The client offers, and the server accepts one offer or none. A parameter that
 * begins with `server_` is about what the server sends, one with `client_` about what the client
 * sends.
 */
import { shown } from "../../reactor/_describe.ts";
import { names, refuseUnknown } from "../../reactor/_known.ts";
import { whole } from "../../reactor/_whole.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import type { Compressor, Decompressor } from "./_codec.ts";
import { Deflater, type Direction, Inflater } from "./_deflate.ts";
import { HeaderText } from "./_header_text.ts";
import { isAvailable } from "./_zlib.ts";
import type { WebSocketCompression } from "./web_socket_compression.ts";

/** The options of one side, complete. */
export interface CompressionSettings {
  /** What we send, at most. */
  readonly sending: Direction;
  /** What the peer may send, at most. */
  readonly receiving: Direction;
  readonly level: number;
  /** undefined: it depends on whether there will be a context. */
  readonly minBytes: number | undefined;
}

/** What both sides have agreed on. */
export interface Agreed {
  /** What we send. */
  readonly sending: Direction;
  /** What the peer sends. */
  readonly receiving: Direction;
}

/** What compresses and decompresses for one connection. */
export interface Codecs {
  readonly compressor: Compressor;
  readonly decompressor: Decompressor;
}

const NAME = "permessage-deflate";
const MIN_BITS = 8, MAX_BITS = 15;
/** As zlib has it for gzip here: it makes a third less than 1, and more hardly less than 2. */
const LEVEL = 2;
const MIN_BYTES = 1024, MIN_BYTES_IN_CONTEXT = 64;

const OPTIONS = names<WebSocketCompression>({
  contextTakeover: 1,
  peerContextTakeover: 1,
  maxWindowBits: 1,
  peerMaxWindowBits: 1,
  level: 1,
  minBytes: 1,
});

/**
 * Checks the option `compression` of a WebSocket.
 *
 * @returns The settings; undefined if nothing is compressed, or cannot be here.
 * @throws {TypeError} If an option is unknown, or has a wrong type.
 * @throws {RangeError} If a number is not in its range.
 */
export function compressionOf(
  given: boolean | WebSocketCompression,
): CompressionSettings | undefined {
  if (given === false) return undefined;
  const options = given === true ? {} : given;
  refuseUnknown("compress messages", options, OPTIONS);
  const {
    contextTakeover = false,
    peerContextTakeover = false,
    maxWindowBits = MAX_BITS,
    peerMaxWindowBits = MAX_BITS,
    level = LEVEL,
    minBytes,
  } = options;
  const settings = {
    sending: {
      contextTakeover: flag("contextTakeover", contextTakeover),
      windowBits: bits("maxWindowBits", maxWindowBits),
    },
    receiving: {
      contextTakeover: flag("peerContextTakeover", peerContextTakeover),
      windowBits: bits("peerMaxWindowBits", peerMaxWindowBits),
    },
    level: whole(level, "compress messages: level", 1, 9),
    minBytes: minBytes === undefined ? undefined : whole(minBytes, "compress messages: minBytes"),
  };
  return isAvailable() ? settings : undefined;
}

function flag(name: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`Cannot compress messages: ${name} is true or false, not ${shown(value)}`);
}

function bits(name: string, value: number): number {
  return whole(value, `compress messages: ${name}`, MIN_BITS, MAX_BITS);
}

/** Makes the codecs of one connection. */
export function codecsOf(
  { sending, receiving }: Agreed,
  { level, minBytes }: CompressionSettings,
): Codecs {
  const usual = sending.contextTakeover ? MIN_BYTES_IN_CONTEXT : MIN_BYTES;
  return {
    compressor: new Deflater(sending, level, minBytes ?? usual),
    decompressor: new Inflater(receiving),
  };
}

/** What a client offers: the value of Sec-WebSocket-Extensions. */
export function offerOf({ sending, receiving }: CompressionSettings): string {
  // RFC 7692 7.1.2.2: without it, the server could not restrict our window.
  let offer = `${NAME}; client_max_window_bits`;
  if (sending.windowBits < MAX_BITS) offer += `=${sending.windowBits}`;
  if (!sending.contextTakeover) offer += "; client_no_context_takeover";
  if (!receiving.contextTakeover) offer += "; server_no_context_takeover";
  if (receiving.windowBits < MAX_BITS) {
    offer += `; server_max_window_bits=${receiving.windowBits}`;
  }
  return offer;
}

/**
 * Chooses the first of a client's offers that suits.
 *
 * @param lines The values of Sec-WebSocket-Extensions, one for each line.
 * @param settings Of the server; undefined if it does not compress.
 * @returns The answer, for the same header; undefined if none suits.
 * @throws {RemoteProtocolError} If a line is malformed.
 */
export function acceptOffer(
  lines: readonly string[],
  settings: CompressionSettings | undefined,
): { answer: string; agreed: Agreed } | undefined {
  // RFC 7692 5: the client prefers the earlier ones. RFC 6455 9.1: several lines are one list.
  for (const { name, parameters } of lines.flatMap((line) => extensionsOf(line))) {
    if (name !== NAME || settings === undefined) continue;
    const offered = parametersOf(parameters, true);
    const accepted = offered && accept(offered, settings);
    if (accepted !== undefined) return accepted;
  }
  return undefined;
}

function accept(
  offered: Parameters,
  { sending, receiving }: CompressionSettings,
): { answer: string; agreed: Agreed } | undefined {
  const { clientBits } = offered;
  // RFC 7692 7.1.2.2: only a client that has offered it can be told how far it may refer back.
  if (clientBits === undefined && receiving.windowBits < MAX_BITS) return undefined;
  const agreed = {
    sending: {
      // RFC 7692 7.1.1.1: it is accepted by saying it as well.
      contextTakeover: sending.contextTakeover && !offered.serverNoTakeover,
      windowBits: Math.min(sending.windowBits, offered.serverBits ?? MAX_BITS),
    },
    receiving: {
      // RFC 7692 7.1.1.2: the client will not do it. If we say so, we need not keep the context.
      contextTakeover: receiving.contextTakeover && !offered.clientNoTakeover,
      windowBits: Math.min(receiving.windowBits, clientBits ?? MAX_BITS),
    },
  };
  let answer = NAME;
  if (!agreed.sending.contextTakeover) answer += "; server_no_context_takeover";
  if (!agreed.receiving.contextTakeover) answer += "; client_no_context_takeover";
  // RFC 7692 7.1.2.1: it is accepted by the same value or a smaller one.
  if (offered.serverBits !== undefined || agreed.sending.windowBits < MAX_BITS) {
    answer += `; server_max_window_bits=${agreed.sending.windowBits}`;
  }
  if (agreed.receiving.windowBits < MAX_BITS) {
    answer += `; client_max_window_bits=${agreed.receiving.windowBits}`;
  }
  return { answer, agreed };
}

/**
 * Checks the answer of a server to our offer.
 *
 * @param lines The values of Sec-WebSocket-Extensions, one for each line.
 * @param settings Those that were offered; undefined if nothing was.
 * @returns What is agreed; undefined if the server does not compress.
 * @throws {RemoteProtocolError} If the answer is malformed, or is not about what was offered.
 */
export function checkAnswer(
  lines: readonly string[],
  settings: CompressionSettings | undefined,
): Agreed | undefined {
  if (lines.length === 0) return undefined;
  const answer = lines.join(", ");
  // RFC 6455 11.3.2: it MUST NOT appear more than once in a response.
  if (lines.length > 1) throw wrong(answer, "comes twice (RFC 6455 11.3.2)");
  const [extension, another] = extensionsOf(answer);
  // RFC 6455 4.1: an extension that was not asked for fails the connection.
  if (extension?.name !== NAME || another !== undefined || settings === undefined) {
    throw wrong(answer, "has what was not offered (RFC 6455 4.1)");
  }
  const said = parametersOf(extension.parameters, false);
  if (said === undefined) {
    throw wrong(answer, "has an unknown parameter, one twice, or a wrong value (RFC 7692 7.1)");
  }
  const { sending, receiving } = settings;
  const { serverBits = MAX_BITS, clientBits = MAX_BITS } = said;
  // RFC 7692 7.1.1.1, 7.1.2.1: a server that accepts the offer says what it was asked for.
  if (!said.serverNoTakeover && !receiving.contextTakeover) {
    throw wrong(answer, "lacks server_no_context_takeover, which was offered (RFC 7692 7.1.1.1)");
  }
  if (serverBits > receiving.windowBits) {
    throw wrong(
      answer,
      `needs server_max_window_bits of at most ${receiving.windowBits}, as offered (RFC 7692 7.1.2.1)`,
    );
  }
  // RFC 7692 7.1.2.2: the value is that of the offer, or smaller.
  if (said.clientBits !== undefined && clientBits > sending.windowBits) {
    throw wrong(
      answer,
      `needs client_max_window_bits of at most ${sending.windowBits}, as offered (RFC 7692 7.1.2.2)`,
    );
  }
  return {
    sending: {
      contextTakeover: sending.contextTakeover && !said.clientNoTakeover,
      windowBits: Math.min(sending.windowBits, clientBits),
    },
    receiving: { contextTakeover: !said.serverNoTakeover, windowBits: serverBits },
  };
}

function wrong(answer: string, what: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot open a WebSocket: Sec-WebSocket-Extensions of the answer, ${shown(answer)}, ${what}`,
    { status: 502 },
  );
}

/** The parameters of permessage-deflate. */
interface Parameters {
  serverNoTakeover?: true;
  clientNoTakeover?: true;
  serverBits?: number;
  /** 15 if it is offered without a value. */
  clientBits?: number;
}

/**
 * Reads the parameters. It is undefined for those with which a server MUST decline an offer, and a
 * client MUST fail the connection (RFC 7692 7): a parameter that is not defined, has an invalid
 * value, or comes twice.
 */
function parametersOf(
  parameters: Extension["parameters"],
  isOffer: boolean,
): Parameters | undefined {
  const read: Parameters = {};
  const seen = new Set<string>();
  for (const [name, value] of parameters) {
    if (seen.has(name)) return undefined;
    seen.add(name);
    const windowBits = bitsOf(value);
    if (name === "server_no_context_takeover" && value === undefined) {
      read.serverNoTakeover = true;
    } else if (name === "client_no_context_takeover" && value === undefined) {
      read.clientNoTakeover = true;
    } else if (name === "server_max_window_bits" && windowBits !== undefined) {
      read.serverBits = windowBits;
    } else if (name === "client_max_window_bits" && windowBits !== undefined) {
      read.clientBits = windowBits;
    } else if (name === "client_max_window_bits" && value === undefined && isOffer) {
      // RFC 7692 7.1.2.2: an offer may have it without a value, an answer may not.
      read.clientBits = MAX_BITS;
    } else return undefined;
  }
  return read;
}

/** RFC 7692 7.1.2: a decimal number from 8 to 15, without leading zeros. */
function bitsOf(value: string | undefined): number | undefined {
  return value !== undefined && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : undefined;
}

/** One element of Sec-WebSocket-Extensions. */
interface Extension {
  readonly name: string;
  /** A value is undefined if there is none. */
  readonly parameters: readonly (readonly [name: string, value: string | undefined])[];
}

/**
 * Reads one line (RFC 6455 9.1):
 *
 *     1#( token *( ";" token [ "=" ( token / quoted-string ) ] ) )
 *
 * There may be blanks between all of them, and empty elements in the list (RFC 2616 2.1).
 */
function extensionsOf(line: string): Extension[] {
  const text = new HeaderText("Sec-WebSocket-Extensions", line);
  const extensions: Extension[] = [];
  do {
    const name = text.token();
    if (name === undefined) continue;
    const parameters: [string, string | undefined][] = [];
    while (text.skip(";")) {
      const name = text.token() ?? text.fail();
      const value = text.skip("=") ? text.token() ?? text.quoted() : undefined;
      parameters.push([name, value]);
    }
    extensions.push({ name, parameters });
  } while (text.skip(","));
  if (!text.isAtEnd || extensions.length === 0) text.fail();
  return extensions;
}
