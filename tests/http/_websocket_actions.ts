/** What is sent over a WebSocket by random. */
import fc from "fast-check";
import { concat } from "../../compose/_bytes.ts";
import { encoded, type MessageType, type WebSocketWire } from "../../http/websocket/_wire.ts";
import { pingPayload, type Role, told, toldPong } from "./_websocket.ts";

/** What is sent by random. */
export type Action =
  | { does: "send"; data: string | Uint8Array }
  | { does: "pieces"; type: MessageType; pieces: (string | Uint8Array)[]; ping: number }
  | { does: "ping" }
  | { does: "append"; data: string | Uint8Array };

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 50 }),
  fc.string({ unit: "binary-ascii", maxLength: 200 }),
  // With surrogates that are alone.
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
  fc.nat(70_000).map((length) => "aé中😀".repeat(length / 5)),
);
const binary = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.nat(70_000).map((length) => new Uint8Array(length).fill(0xc1)),
);
const data = fc.oneof(text, binary);
export const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ does: fc.constant("send" as const), data }),
  fc.record({ does: fc.constant("append" as const), data }),
  fc.record({ does: fc.constant("ping" as const) }),
  fc.record({
    does: fc.constant("pieces" as const),
    type: fc.constant("text" as const),
    pieces: fc.array(text, { minLength: 1, maxLength: 5 }),
    ping: fc.nat(5),
  }),
  fc.record({
    does: fc.constant("pieces" as const),
    type: fc.constant("binary" as const),
    pieces: fc.array(binary, { minLength: 1, maxLength: 5 }),
    ping: fc.nat(5),
  }),
);

/** Sends it, and adds to `expected` what a Fed tells at the other side. */
export function perform(wire: WebSocketWire, role: Role, action: Action, expected: string[]): void {
  if (action.does === "ping") {
    expected.push(toldPong(pingPayload(wire.ping())));
  } else if (action.does === "pieces") {
    const { type, pieces } = action;
    for (const [i, piece] of pieces.entries()) {
      if (i === action.ping) {
        expected.push(toldPong(pingPayload(wire.ping())));
      }
      wire.sendPiece(type, piece);
    }
    wire.sendEnd();
    expected.push(told(
      type === "text" ? pieces.join("").toWellFormed() : concat(pieces as Uint8Array[]),
    ));
  } else {
    const { data } = action;
    if (action.does === "append" && role === "server") wire.append(encoded(data));
    else wire.send(data);
    expected.push(told(typeof data === "string" ? data.toWellFormed() : data));
  }
}
