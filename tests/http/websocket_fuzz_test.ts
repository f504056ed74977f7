/**
 * Frames made at random, right and wrong, for our wire and for the one of npm:ws: both must read and
 * refuse the same. WEBSOCKET_FUZZ_SECONDS tells how long, for each role.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { Receiver, Sender } from "ws";
import { concat } from "../../compose/_bytes.ts";
import { WebSocketWire } from "../../http/websocket/_wire.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  Fed,
  PING,
  PONG,
  readings,
  type Role,
  roles,
  taken,
  TEXT,
  told,
  toldPong,
  utf8,
} from "./_websocket.ts";
import { action, perform } from "./_websocket_actions.ts";

const SECONDS = Number(Deno.env.get("WEBSOCKET_FUZZ_SECONDS") ?? 10);
const options = {
  numRuns: 100_000_000,
  interruptAfterTimeLimit: SECONDS * 1000 / roles.length / 2,
};

const MAX_MESSAGE = 100_000;
const limits = { maxMessageBytes: MAX_MESSAGE, maxStreamBytes: MAX_MESSAGE };

/** What ws tells, as Fed tells it. */
class Theirs {
  readonly log: string[] = [];
  readonly #receiver: Receiver;
  #isDone = false;

  constructor(role: Role, maxPayload: number) {
    const receiver = new Receiver({ isServer: role === "server", maxPayload });
    receiver.on("message", (data: Uint8Array, isBinary: boolean) => {
      this.log.push(
        told(isBinary ? data : new TextDecoder("utf-8", { ignoreBOM: true }).decode(data)),
      );
    });
    receiver.on("ping", (data: Uint8Array) => this.log.push(toldPong(data)));
    receiver.on("conclude", (code: number, reason: Uint8Array) => {
      this.#isDone = true;
      this.log.push(code === 1005 ? 'sends Close ""' : `sends Close ${code}`);
      this.log.push(`closed ${code} ${JSON.stringify(new TextDecoder().decode(reason))}`);
    });
    this.#receiver = receiver;
  }

  receive(bytes: Uint8Array): void {
    if (this.#isDone) return;
    // Without an extension it does all at once.
    this.#receiver._write(Buffer.from(bytes), "buffer", (error?: Error) => {
      if (!error) return;
      this.#isDone = true;
      const symbol = Object.getOwnPropertySymbols(error).find((one) =>
        one.description === "status-code"
      )!;
      const code = (error as unknown as Record<symbol, number>)[symbol];
      this.log.push(`sends Close ${code}`, `fault ${code}`);
    });
  }
}

/** Why we refuse what ws reads, or refuse it earlier or by another code: by our reason. */
const DIFFERENCES: [reason: RegExp, theirs: RegExp, why: string][] = [
  [/^a length in more bytes/, /^/, "6455 5.2: ws reads a length that is not minimal"],
  [/^a length of more than 63 bits/, /^fault 1009$/, "6455 5.2: ws takes it for too large"],
  [
    /^text that is not UTF-8$/,
    /^(?!text|binary)/,
    "6455 8.1: ws looks at text when the message has ended, and may find something else before",
  ],
];

function assertAlike(ours: Fed, theirs: Theirs): void {
  const { log } = ours;
  const common = ours.fault === undefined ? log.length : log.length - 2;
  const rest = theirs.log.slice(common);
  if (ours.fault !== undefined) {
    const { reason } = ours.fault;
    const known = DIFFERENCES.find(([ourReason, theirLine]) =>
      ourReason.test(reason) &&
      rest.every((line) => line.startsWith("sends ") || theirLine.test(line))
    );
    if (known !== undefined && rest.join() !== log.slice(common).join()) {
      assertEquals(theirs.log.slice(0, common), log.slice(0, common));
      return;
    }
  } else if (rest.at(-1) === "fault 1009" && rest.length === 2) {
    // It refuses a message by its length alone, before the key has come, or the content that we read
    // in pieces.
    assertEquals(theirs.log.slice(0, common), log);
    return;
  }
  assertEquals(log, theirs.log);
}

interface FrameMade {
  fin: boolean;
  opcode: number;
  payload: Uint8Array;
}

const short = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }).map(utf8),
);
const content = fc.oneof(
  { weight: 8, arbitrary: short },
  { weight: 2, arbitrary: fc.nat(300).map((length) => new Uint8Array(length).fill(0x61)) },
  { weight: 1, arbitrary: fc.nat(70_000).map((length) => new Uint8Array(length).fill(0x61)) },
);

const code = fc.oneof(fc.integer({ min: 995, max: 1020 }), fc.integer({ min: 0, max: 6000 }));
const control: fc.Arbitrary<FrameMade> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ opcode: fc.constantFrom(PING, PONG), payload: short })
      .map((frame) => ({ ...frame, fin: true })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(code, short).map(([code, reason]) => ({
      fin: true,
      opcode: CLOSE,
      payload: concat([Uint8Array.of(code >> 8, code & 0xff), reason]),
    })),
  },
  { weight: 1, arbitrary: short.map((payload) => ({ fin: true, opcode: CLOSE, payload })) },
);

/** A message in fragments, with control frames between. */
const message: fc.Arbitrary<FrameMade[]> = fc.record({
  type: fc.constantFrom(TEXT, BINARY),
  content: fc.oneof(fc.string({ unit: "binary", maxLength: 40 }).map(utf8), content),
  cuts: fc.array(fc.nat(100), { maxLength: 4 }),
  between: fc.array(fc.option(control, { freq: 2 }), { maxLength: 4 }),
}).map(({ type, content, cuts, between }) => {
  const frames: FrameMade[] = [];
  const ends = [...cuts.map((cut) => Math.min(cut, content.length)).sort((a, b) => a - b)];
  let from = 0;
  for (const [i, to] of [...ends, content.length].entries()) {
    const opcode = i === 0 ? type : CONTINUATION;
    frames.push({ fin: i === ends.length, opcode, payload: content.slice(from, to) });
    from = to;
    const other = between[i];
    if (other && i < ends.length) frames.push(other);
  }
  return frames;
});

/** Any frame, which may be wrong where it is. */
const loose: fc.Arbitrary<FrameMade[]> = fc.record({
  fin: fc.boolean(),
  opcode: fc.oneof(fc.constantFrom(CONTINUATION, TEXT, BINARY), fc.nat(15)),
  payload: content,
}).map((frame) => [frame]);

const input = fc.record({
  frames: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: message },
      { weight: 2, arbitrary: control.map((frame) => [frame]) },
      { weight: 1, arbitrary: loose },
    ),
    { maxLength: 5 },
  ).map((groups) => groups.flat()),
  key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  /** Bits that are turned, near the beginning of a frame more often. */
  flips: fc.array(fc.tuple(fc.nat(30), fc.oneof(fc.nat(13), fc.nat(100)), fc.nat(7)), {
    maxLength: 2,
  }),
  end: fc.option(fc.nat(100), { freq: 4 }),
  sizes: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
  reading: fc.constantFrom(...readings),
});

for (const role of roles) {
  Deno.test(`frames at random are read and refused by a ${role} as ws does`, () => {
    let runs = 0;
    let messages = 0;
    let faults = 0;
    fc.assert(
      fc.property(input, ({ frames, key, flips, end, sizes, reading }) => {
        const made = frames.map(({ fin, opcode, payload }) =>
          frameOf(role, fin, opcode, payload, key)
        );
        let bytes = concat(made);
        const starts: number[] = [];
        made.reduce((at, frame) => (starts.push(at), at + frame.length), 0);
        for (const [frame, offset, bit] of flips) {
          const at = (starts[frame % starts.length] ?? 0) + offset;
          if (at < bytes.length) bytes[at]! ^= 1 << bit;
        }
        if (end !== null) bytes = bytes.slice(0, Math.max(0, bytes.length - end));
        const ours = new Fed(role, reading, { limits });
        const theirs = new Theirs(role, MAX_MESSAGE);
        const scale = Math.ceil(bytes.length / 2000);
        for (let at = 0, i = 0, goesOn = true; at < bytes.length; i++) {
          const chunk = bytes.subarray(at, at += scale * sizes[i % sizes.length]!);
          goesOn = goesOn && ours.receive(chunk);
          theirs.receive(chunk);
        }
        assertAlike(ours, theirs);
        runs++;
        if (ours.fault !== undefined) faults++;
        messages += ours.log.filter((line) => /^(text|binary)/.test(line)).length;
      }),
      options,
    );
    // Both kinds are tried.
    assert(messages > runs / 4 && faults > runs / 10);
  });

  Deno.test(`ws reads whatever a ${role} sends`, () => {
    const reader = role === "client" ? "server" : "client";
    fc.assert(
      fc.property(fc.array(action, { maxLength: 6 }), (actions) => {
        const wire = new WebSocketWire(role);
        const expected: string[] = [];
        for (const one of actions) perform(wire, role, one, expected);
        wire.close(3000, "end");
        expected.push("sends Close 3000", 'closed 3000 "end"');
        const theirs = new Theirs(reader, 0);
        theirs.receive(taken(wire));
        assertEquals(theirs.log, expected);
      }),
      options,
    );
  });
}

/** A frame for this role, by ws. */
function frameOf(
  role: Role,
  fin: boolean,
  opcode: number,
  payload: Uint8Array,
  key: Uint8Array,
): Uint8Array {
  return concat(Sender.frame(Buffer.from(payload), {
    fin,
    opcode,
    mask: role === "server",
    rsv1: false,
    readOnly: true,
    maskBuffer: Buffer.alloc(4),
    generateMask: (buffer: Uint8Array) => buffer.set(key),
  }));
}
