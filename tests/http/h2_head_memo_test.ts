/** What is made of a head with the help of the one before it is what would be made of it alone. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FieldList } from "../../http/h2/_field_list.ts";
import { HeadMemo } from "../../http/h2/_head_memo.ts";
import { HpackDecoder } from "../../http/h2/_hpack_decoder.ts";
import { HpackEncoder } from "../../http/h2/_hpack_encoder.ts";
import { RequestHead } from "../../http/h2/_request_head.ts";
import { defaultLimits, type HttpLimits } from "../../http/http_limits.ts";
import { text } from "./_drive.ts";
import { encode, type Field } from "./_hpack.ts";

const LIMITS: HttpLimits = { ...defaultLimits, maxHeadBytes: 600, maxRequestLineBytes: 100 };

/** All that a head tells. */
function told(head: RequestHead): unknown {
  const { bytes, headersFrom, headersTo, target, method, priority, protocol } = head;
  return {
    ...{ target, method, priority, protocol, version: head.version, scheme: head.scheme },
    ...{ length: head.contentLength, waits: head.expectContinue, refusal: head.refusal?.message },
    lines: text(bytes.subarray(headersFrom, headersTo)),
  };
}

/** Reads heads, with a memo or without one. */
class Reader {
  readonly #decoder = new HpackDecoder();
  readonly #fields = new FieldList();
  readonly #memo: HeadMemo<RequestHead> | undefined;
  paths = 0;

  constructor(hasMemo: boolean) {
    if (!hasMemo) return;
    this.#memo = new HeadMemo(this.#decoder, {
      readPath: (head: RequestHead, path) => {
        this.paths++;
        return head.withPath(path, LIMITS);
      },
    });
  }

  /** What a block tells, or why it does not. A faulty one must be the last. */
  read(block: Uint8Array): unknown {
    const bytes = new Uint8Array(block.length + 8).fill(0x82);
    bytes.set(block, 3);
    const [from, to] = [3, 3 + block.length];
    const fields = this.#fields;
    try {
      const known = this.#memo?.find(bytes, from, to, fields);
      if (known !== undefined) return told(known);
      this.#decoder.decode(bytes, from, to, fields, LIMITS.maxHeadBytes);
      const head = RequestHead.of(fields, LIMITS, "http");
      this.#memo?.set(bytes, from, to, fields, head);
      return told(head);
    } catch (error) {
      return (error as Error).message;
    }
  }
}

const path = fc.oneof(
  fc.constantFrom("/", "/a", "/b?x=1", "/index.html", "*", "", "a", "/ä", "/?\\", "/?#", "\0"),
  fc.nat(200).map((length) => `/${"x".repeat(length)}`),
  fc.webPath(),
);
const others = fc.constantFrom<Field[]>(
  [],
  [["user-agent", "one"], ["accept", "*/*"]],
  [["user-agent", "one"], ["cookie", "a=1"], ["cookie", "b=2"], ["priority", "u=1"]],
  [["authorization", "Basic YTpi"], ["content-length", "13"]],
  [["expect", "x"]],
  [["x-large", "x".repeat(450)]],
  [["X-Wrong", "1"]],
);
const request = fc.tuple(fc.constantFrom("GET", "POST", "OPTIONS"), path, others, fc.boolean()).map(
  ([method, path, others, isBehind]): Field[] => {
    const first: Field[] = [[":method", method], [":scheme", "http"]];
    const known: Field = [":path", path];
    const host: Field = [":authority", "localhost"];
    return [...first, ...(isBehind ? [host, known] : [known, host]), ...others];
  },
);
/** Some requests in a row have all but their path in common. */
const requests = fc.array(fc.tuple(request, fc.array(path, { maxLength: 4 })), { maxLength: 6 })
  .map((list) =>
    list.flatMap(([fields, paths]) => [
      fields,
      ...paths.map((path) => fields.map((field) => field[0] === ":path" ? [":path", path] : field)),
    ]) as Field[][]
  );

Deno.test("HeadMemo gives the head that the block would give without it", () => {
  let paths = 0;
  fc.assert(
    fc.property(requests, (requests) => {
      const encoder = new HpackEncoder();
      const [one, other] = [new Reader(true), new Reader(false)];
      for (const fields of requests) {
        const block = encode(encoder, fields);
        assertEquals(one.read(block), other.read(block));
      }
      paths += one.paths;
    }),
    { seed: 9113, numRuns: 2000 },
  );
  assert(paths > 2000, `${paths} paths`);
});

Deno.test("HeadMemo is not deceived by a block that is faulty, or was cut elsewhere", () => {
  let paths = 0;
  const change = fc.tuple(fc.nat(60), fc.nat(255), fc.constantFrom("set", "add", "remove"));
  fc.assert(
    fc.property(requests, fc.array(change, { minLength: 1, maxLength: 2 }), (requests, changes) => {
      const encoder = new HpackEncoder();
      const [one, other] = [new Reader(true), new Reader(false)];
      let block = new Uint8Array();
      for (const fields of requests) {
        block = encode(encoder, fields);
        one.read(block);
        other.read(block);
      }
      const bytes = [...block];
      for (const [at, byte, how] of changes) {
        bytes.splice(at, how === "add" ? 0 : 1, ...(how === "remove" ? [] : [byte]));
      }
      const before = one.paths;
      assertEquals(one.read(Uint8Array.from(bytes)), other.read(Uint8Array.from(bytes)));
      paths += one.paths - before;
    }),
    { seed: 7541, numRuns: 5000 },
  );
  assert(paths > 50, `${paths} paths`);
});
