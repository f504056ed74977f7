/** What RFC 7692 asks of both sides: a row for each rule, and what is to be seen of it. */
import type { WebSocketCompression } from "../../http/websocket/web_socket_compression.ts";

export interface NegotiationRule {
  /** The section of RFC 7692, or another RFC. */
  section: string;
  requirement: string;
  reaction: string;
}

/** What a server answers to offers. */
export interface ServerRule extends NegotiationRule {
  /** The lines of Sec-WebSocket-Extensions. */
  offers: string[];
  server?: WebSocketCompression;
  /** undefined: no compression; "400": the request is refused. */
  answer: string | undefined;
}

/** What a client makes of an answer. */
export interface ClientRule extends NegotiationRule {
  client?: WebSocketCompression;
  offer?: string;
  answers: string[];
  /** What both directions are then, as `takeover bits`; undefined: no compression; or the error. */
  agreed: [sending: string, receiving: string] | undefined | RegExp;
}

const NAME = "permessage-deflate";
const NONE = `${NAME}; server_no_context_takeover; client_no_context_takeover`;
const BOTH: WebSocketCompression = { contextTakeover: true, peerContextTakeover: true };
const MALFORMED = "400";
const DECLINED = "no compression";

export const serverRules: ServerRule[] = [
  {
    section: "7692 5",
    requirement: "recommended to accept the offer that the client prefers",
    reaction: "the first one that suits",
    offers: [
      `${NAME}; server_max_window_bits=20, x-other, ${NAME}; server_max_window_bits=10`,
      NAME,
    ],
    server: BOTH,
    answer: `${NAME}; server_max_window_bits=10`,
  },
  {
    section: "7692 5.1",
    requirement: "a server that declines all offers does not use the extension",
    reaction: DECLINED,
    offers: ["x-webkit-deflate-frame, permessage-bzip2", "foo; bar"],
    answer: undefined,
  },
  {
    section: "7692 7",
    requirement: "MUST decline an offer with a parameter that is not defined",
    reaction: DECLINED,
    offers: [`${NAME}; window=15`],
    answer: undefined,
  },
  ...[
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=08",
    "server_max_window_bits=1e1",
    "client_max_window_bits=7",
    "client_max_window_bits=016",
    "client_max_window_bits=-9",
    "server_no_context_takeover=true",
    "client_no_context_takeover=15",
  ].map((parameter) => ({
    section: "7692 7",
    requirement: `MUST decline an offer with an invalid value: ${parameter}`,
    reaction: DECLINED,
    offers: [`${NAME}; ${parameter}`],
    answer: undefined,
  })),
  ...[
    "server_max_window_bits=10; server_max_window_bits=10",
    "client_max_window_bits; client_max_window_bits=10",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
  ].map((parameters) => ({
    section: "7692 7",
    requirement: `MUST decline an offer with a parameter twice: ${parameters}`,
    reaction: DECLINED,
    offers: [`${NAME}; ${parameters}`],
    answer: undefined,
  })),
  {
    section: "7692 7",
    requirement: "MUST decline an offer that it does not support",
    reaction: "the next offer, in which the client can restrict its window",
    offers: [`${NAME}, ${NAME}; client_max_window_bits`],
    server: { ...BOTH, peerMaxWindowBits: 9 },
    answer: `${NAME}; client_max_window_bits=9`,
  },
  {
    section: "7692 7.1.1.1",
    requirement: "a server accepts server_no_context_takeover by answering it",
    reaction: "it is answered",
    offers: [`${NAME}; server_no_context_takeover`],
    server: BOTH,
    answer: `${NAME}; server_no_context_takeover`,
  },
  {
    section: "7692 7.1.1.1",
    requirement: "a server MAY answer server_no_context_takeover without an offer of it",
    reaction: "it does, unless contextTakeover is set",
    offers: [NAME],
    server: { peerContextTakeover: true },
    answer: `${NAME}; server_no_context_takeover`,
  },
  {
    section: "7692 7.1.1.2",
    requirement: "a server MAY answer client_no_context_takeover without an offer of it",
    reaction: "it does, unless peerContextTakeover is set",
    offers: [NAME],
    server: { contextTakeover: true },
    answer: `${NAME}; client_no_context_takeover`,
  },
  {
    section: "7692 7.1.1.2",
    requirement: "client_no_context_takeover in an offer is a hint",
    reaction: "it is answered, and no context is kept",
    offers: [`${NAME}; client_no_context_takeover`],
    server: BOTH,
    answer: `${NAME}; client_no_context_takeover`,
  },
  {
    section: "7692 7.1.2.1",
    requirement: "a server accepts server_max_window_bits by the same value",
    reaction: "it is answered, also the largest one",
    offers: [`${NAME}; server_max_window_bits=15`],
    server: BOTH,
    answer: `${NAME}; server_max_window_bits=15`,
  },
  {
    section: "7692 7.1.2.1",
    requirement: "a server accepts server_max_window_bits by a smaller value",
    reaction: "maxWindowBits, if it is smaller",
    offers: [`${NAME}; server_max_window_bits=12`],
    server: { ...BOTH, maxWindowBits: 10 },
    answer: `${NAME}; server_max_window_bits=10`,
  },
  {
    section: "7692 7.1.2.1",
    requirement: "a server MAY answer server_max_window_bits without an offer of it",
    reaction: "it does if maxWindowBits is set",
    offers: [NAME],
    server: { ...BOTH, maxWindowBits: 10 },
    answer: `${NAME}; server_max_window_bits=10`,
  },
  {
    section: "7692 7.1.2.1",
    requirement: "server_max_window_bits may be 8",
    reaction: "it is answered",
    offers: [`${NAME}; server_max_window_bits=8`],
    server: BOTH,
    answer: `${NAME}; server_max_window_bits=8`,
  },
  {
    section: "7692 7.1.2.2",
    requirement: "client_max_window_bits in an offer needs no value",
    reaction: "it is answered only if peerMaxWindowBits is set",
    offers: [`${NAME}; client_max_window_bits`],
    server: BOTH,
    answer: NAME,
  },
  {
    section: "7692 7.1.2.2",
    requirement:
      "a server may answer client_max_window_bits equal to that of the offer, or smaller",
    reaction: "the smaller one of it and peerMaxWindowBits",
    offers: [`${NAME}; client_max_window_bits=10`],
    server: { ...BOTH, peerMaxWindowBits: 12 },
    answer: `${NAME}; client_max_window_bits=10`,
  },
  {
    section: "7692 7.1.2.2",
    requirement: "a server MUST NOT answer client_max_window_bits without an offer of it",
    reaction: DECLINED,
    offers: [NAME],
    server: { peerMaxWindowBits: 12 },
    answer: undefined,
  },
  {
    section: "7692 7.1.3",
    requirement: "the simplest offer",
    reaction: "no context is kept unless the options say so",
    offers: [NAME],
    answer: NONE,
  },
  {
    section: "7692 7.1.3",
    requirement: "an offer with a fallback that lacks server_max_window_bits",
    reaction: "the first one",
    offers: [
      `${NAME}; client_max_window_bits; server_max_window_bits=10`,
      `${NAME}; client_max_window_bits`,
    ],
    answer: `${NONE}; server_max_window_bits=10`,
  },
  {
    section: "6455 9.1",
    requirement: "a quoted value MUST be a token, without its escapes",
    reaction: "it is read",
    offers: [`${NAME}; server_max_window_bits="1\\0"`],
    server: BOTH,
    answer: `${NAME}; server_max_window_bits=10`,
  },
  {
    section: "6455 9.1",
    requirement: "blanks between the parts, and empty elements, mean nothing",
    reaction: "they are passed over",
    offers: [` ,\t${NAME} ;\tserver_max_window_bits = "9" , ,`],
    server: BOTH,
    answer: `${NAME}; server_max_window_bits=9`,
  },
  ...[
    "",
    ",",
    ";",
    `${NAME};`,
    `${NAME}; =10`,
    `${NAME}; server_max_window_bits=`,
    `${NAME}; server_max_window_bits="10`,
    `${NAME}; server_max_window_bits=""`,
    `${NAME}; server_max_window_bits="1 0"`,
    `${NAME}; server_max_window_bits="10"x`,
    `${NAME}; server_max_window_bits="10\\"`,
    `${NAME}; a=b=c`,
    `${NAME} client_max_window_bits`,
    `${NAME}, a/b`,
    `"${NAME}"`,
    `${NAME}\u00a0`,
  ].map((offer) => ({
    section: "6455 9.1",
    requirement: `MUST fail if it is malformed: ${JSON.stringify(offer)}`,
    reaction: MALFORMED,
    offers: [offer],
    answer: MALFORMED,
  })),
];

const CLIENT_OFFER =
  `${NAME}; client_max_window_bits; client_no_context_takeover; server_no_context_takeover`;
const OFFER = `${NAME}; client_max_window_bits`;
const FAILS = "the connection fails";

export const clientRules: ClientRule[] = [
  {
    section: "7692 7.1",
    requirement: "the offer by default",
    reaction: "no context is kept in either direction",
    offer: CLIENT_OFFER,
    answers: [NONE],
    agreed: ["none 15", "none 15"],
  },
  {
    section: "7692 7.1",
    requirement: "the offer with all options",
    reaction: "a parameter for each of them",
    client: { ...BOTH, maxWindowBits: 10, peerMaxWindowBits: 11 },
    offer: `${NAME}; client_max_window_bits=10; server_max_window_bits=11`,
    answers: [`${NAME}; server_max_window_bits=11; client_max_window_bits=10`],
    agreed: ["takeover 10", "takeover 11"],
  },
  {
    section: "7692 5.1",
    requirement: "no answer declines the offer",
    reaction: DECLINED,
    answers: [],
    agreed: undefined,
  },
  {
    section: "6455 4.1",
    requirement: "MUST fail if the server uses an extension that was not offered",
    reaction: FAILS,
    answers: ["x-other"],
    agreed: /x-other.*not offered/,
  },
  {
    section: "6455 4.1",
    requirement: "MUST fail if the server uses the extension and another one",
    reaction: FAILS,
    answers: [`${NONE}, x-other`],
    agreed: /not offered/,
  },
  {
    section: "7692 5.1",
    requirement: "a server accepts one offer of the extension at most",
    reaction: FAILS,
    answers: [`${NONE}, ${NONE}`],
    agreed: /not offered/,
  },
  {
    section: "6455 11.3.2",
    requirement: "the header MUST NOT appear more than once in a response",
    reaction: FAILS,
    answers: [NONE, NONE],
    agreed: /twice/,
  },
  ...["", "permessage-deflate;", 'permessage-deflate; a="b'].map((answer) => ({
    section: "6455 9.1",
    requirement: `MUST fail if the answer is malformed: ${JSON.stringify(answer)}`,
    reaction: FAILS,
    answers: [answer],
    agreed: /malformed/,
  })),
  ...[
    "window=1",
    "server_max_window_bits",
    "server_max_window_bits=16",
    "client_max_window_bits",
    "client_max_window_bits=7",
    "client_max_window_bits=09",
    "server_no_context_takeover=1",
    "client_no_context_takeover; client_no_context_takeover",
  ].map((parameter) => ({
    section: "7692 7",
    requirement: `MUST fail if a parameter is unknown, invalid or comes twice: ${parameter}`,
    reaction: FAILS,
    client: BOTH,
    answers: [`${NAME}; ${parameter}`],
    agreed: /unknown parameter, one twice, or a wrong value/,
  })),
  {
    section: "7692 7.1.1.1",
    requirement: "a server accepts server_no_context_takeover by answering it",
    reaction: `${FAILS} without it`,
    answers: [NAME],
    agreed: /lacks server_no_context_takeover/,
  },
  {
    section: "7692 7.1.1.1",
    requirement: "a server MAY answer server_no_context_takeover without an offer of it",
    reaction: "its context is not kept",
    client: BOTH,
    offer: OFFER,
    answers: [`${NAME}; server_no_context_takeover`],
    agreed: ["takeover 15", "none 15"],
  },
  {
    section: "7692 7.1.1.2",
    requirement: "a client MUST NOT use context takeover after client_no_context_takeover",
    reaction: "it does not",
    client: BOTH,
    answers: [`${NAME}; client_no_context_takeover`],
    agreed: ["none 15", "takeover 15"],
  },
  {
    section: "7692 7.1.1.2",
    requirement: "a client that has given the hint does not use context takeover anyway",
    reaction: "it does not",
    client: { peerContextTakeover: true },
    offer: `${OFFER}; client_no_context_takeover`,
    answers: [NAME],
    agreed: ["none 15", "takeover 15"],
  },
  {
    section: "7692 7.1.2.1",
    requirement: "a server MAY answer a smaller server_max_window_bits, and without an offer of it",
    reaction: "no more is kept",
    client: BOTH,
    answers: [`${NAME}; server_max_window_bits=8`],
    agreed: ["takeover 15", "takeover 8"],
  },
  ...["", "; server_max_window_bits=11"].map((parameter) => ({
    section: "7692 7.1.2.1",
    requirement: `a server accepts an offered server_max_window_bits of 10 by it or less: ${
      parameter || "missing"
    }`,
    reaction: FAILS,
    client: { ...BOTH, peerMaxWindowBits: 10 },
    answers: [`${NAME}${parameter}`],
    agreed: /server_max_window_bits of at most 10/,
  })),
  {
    section: "7692 7.1.2.2",
    requirement: "a client MUST NOT use a larger window than client_max_window_bits",
    reaction: "it does not",
    client: BOTH,
    answers: [`${NAME}; client_max_window_bits=8`],
    agreed: ["takeover 8", "takeover 15"],
  },
  {
    section: "7692 7.1.2.2",
    requirement:
      "without client_max_window_bits in the answer, the client may use a window of 32,768 bytes",
    reaction: "it uses the one that it has offered",
    client: { ...BOTH, maxWindowBits: 9 },
    answers: [NAME],
    agreed: ["takeover 9", "takeover 15"],
  },
  {
    section: "7692 7.1.2.2",
    requirement: "client_max_window_bits of an answer is that of the offer, or smaller",
    reaction: `${FAILS} if it is larger`,
    client: { ...BOTH, maxWindowBits: 9 },
    answers: [`${NAME}; client_max_window_bits=10`],
    agreed: /client_max_window_bits of at most 9/,
  },
];

/** The octets of RFC 7692 7.2.3, and of its rules. */
export interface PayloadRule extends NegotiationRule {
  /** The payloads of the messages of one connection, each in pieces. */
  payloads: string[][];
  /** The texts that come out, or what is wrong with the last one. */
  texts: (string | RegExp)[];
  /** Whether the context is kept. */
  takeover?: true;
}

const BAD = /malformed/;

export const payloadRules: PayloadRule[] = [
  {
    section: "7692 7.2.3.1",
    requirement: "a message in one compressed block",
    reaction: "Hello",
    payloads: [["f2 48 cd c9 c9 07 00"]],
    texts: ["Hello"],
  },
  {
    section: "7692 7.2.3.1",
    requirement: "the same in two fragments",
    reaction: "Hello",
    payloads: [["f2 48 cd", "c9 c9 07 00"]],
    texts: ["Hello"],
  },
  {
    section: "7692 7.2.3.2",
    requirement: "a second message that refers to the first",
    reaction: "Hello twice",
    payloads: [["f2 48 cd c9 c9 07 00"], ["f2 00 11 00 00"]],
    texts: ["Hello", "Hello"],
    takeover: true,
  },
  {
    section: "7692 7.2.3.2",
    requirement: "a second message that is compressed without the first",
    reaction: "Hello twice",
    payloads: [["f2 48 cd c9 c9 07 00"], ["f2 48 cd c9 c9 07 00"]],
    texts: ["Hello", "Hello"],
  },
  {
    section: "7692 7.2.3.3",
    requirement: "a block without compression",
    reaction: "Hello",
    payloads: [["00 05 00 fa ff 48 65 6c 6c 6f 00"]],
    texts: ["Hello"],
  },
  {
    section: "7692 7.2.3.4",
    requirement: "a block with BFINAL set to 1",
    reaction: "Hello",
    payloads: [["f3 48 cd c9 c9 07 00 00"]],
    texts: ["Hello"],
  },
  {
    section: "7692 7.2.3.5",
    requirement: "two blocks in one message",
    reaction: "Hello",
    payloads: [["f2 48 05 00 00 00 ff ff ca c9 c9 07 00"]],
    texts: ["Hello"],
  },
  {
    section: "7692 7.2.3.6",
    requirement: "an empty message",
    reaction: "an empty text, and one after it",
    payloads: [["00"], ["f2 48 cd c9 c9 07 00"], ["00"]],
    texts: ["", "Hello", ""],
  },
  {
    section: "7692 7.2.1",
    requirement: "blocks with BFINAL set to 1 may be followed by others, which refer to them",
    reaction: "Hello twice in one message",
    payloads: [["f3 48 cd c9 c9 07 00 f2 00 11 00 00"]],
    texts: ["HelloHello"],
  },
  {
    section: "7692 7.2.1",
    requirement: "a message may refer to one that ended with BFINAL set to 1",
    reaction: "Hello twice",
    payloads: [["f3 48 cd c9 c9 07 00 00"], ["f2 00 11 00 00"]],
    texts: ["Hello", "Hello"],
    takeover: true,
  },
  {
    section: "7692 7.1.1",
    requirement: "without context takeover, each message begins with an empty window",
    reaction: "a reference to the message before is malformed",
    payloads: [["f2 48 cd c9 c9 07 00"], ["f2 00 11 00 00"]],
    texts: ["Hello", BAD],
  },
  ...[
    [""],
    ["f2 48 cd c9 c9 07"],
    ["f2 48"],
    ["f3 48 cd c9 c9 07 00"],
    ["00 05 00 fa ff 48 65 6c 6c 6f"],
    ["00 05 00 fa fe 48 65 6c 6c 6f 00"],
    ["f6 00"],
    ["f2 48 cd c9 c9 07 00 00 00 ff ff"],
  ].map((payload) => ({
    section: "7692 7.2.2",
    requirement: `with the tail, a payload is whole blocks: ${payload[0] || "nothing"}`,
    reaction: "malformed if not",
    payloads: [payload],
    texts: [BAD],
  })),
];
