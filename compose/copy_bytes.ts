import { machinery } from "./_machinery.ts";
import { onlyToBeCalled } from "./_only_to_be_called.ts";
import { checkSize, Chunks, counted, part } from "./_chunks.ts";
import { type Coroutine, isCoroutine } from "./coroutine.ts";
import { pushBack } from "./push_back.ts";
import { isRequest } from "./request.ts";

/**
 * Copies a number of bytes, or of characters if the input is text, to a target, piece by piece as
 * they arrive. What came with them is pushed back.
 *
 * @param n How many. For 0 nothing is read.
 * @param target A function that gets each piece. It may return a coroutine, which is called, or a
 * {@linkcode Request}, which is waited for. Or a coroutine that reads the pieces; it must stand at
 * a bare `yield` (see {@linkcode autostart}), and is not closed, so that more can be copied to it.
 * @returns A coroutine that returns nothing.
 * @throws {RangeError} If `n` is not a whole number, 0 or more.
 * @throws {EndOfStream} If the stream ends before, from the coroutine. The target has what was
 * read.
 * @throws {TypeError} If the target ends, yields something instead of reading on, or returns a
 * promise; from the coroutine.
 *
 * @example Copying a body to a file
 * ```ts
 * import { call, copyBytes, type Coroutine, readLine, retval } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * const file: string[] = [];
 *
 * function* upload(): Coroutine<string> {
 *   const length = Number(yield* call(readLine()));
 *   yield* call(copyBytes(length, (piece) => void file.push(piece as string)));
 *   return yield; // what comes after it
 * }
 *
 * assertEquals(retval(upload(), ["6\nabc", "defNEXT"]), "NEXT");
 * assertEquals(file, ["abc", "def"]);
 * ```
 *
 * @category Readers
 */
export function copyBytes(
  n: number,
  target: Coroutine | ((piece: string | Uint8Array) => unknown),
): Coroutine<void> {
  checkSize("n", n);
  return copying(n, typeof target === "function" ? target : (piece) => send(target, piece));
}

function* copying(
  n: number,
  target: (piece: string | Uint8Array) => unknown,
): Coroutine<void> {
  const action = `copy ${counted(n, "byte")}`;
  let copied = 0;
  while (copied < n) {
    const chunks = new Chunks(action, "n of copyBytes()");
    let arrived;
    try {
      arrived = yield;
    } catch (error) {
      throw chunks.ended(error, copied);
    }
    const chunk = chunks.add(arrived);
    const piece = part(chunk, 0, n - copied);
    copied += piece.length;
    if (piece.length > 0) {
      const returned = target(piece);
      if (isCoroutine(returned)) yield returned;
      else if (isRequest(returned)) yield* returned;
      else if (isPromise(returned)) throw notAwaited();
    }
    if (piece.length < chunk.length) return pushBack(undefined, part(chunk, piece.length));
  }
}

function isPromise(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

function notAwaited(): TypeError {
  return new TypeError(
    "Cannot wait for the promise that the target returned: return what waits for it, in gio wait(promise)",
  );
}

function send(target: Coroutine, piece: string | Uint8Array): void {
  const { done, value } = target.next(piece);
  if (done) throw new TypeError("Cannot copy to a coroutine that has ended: it must read on");
  if (value !== undefined) {
    throw new TypeError("Cannot copy to a coroutine that yields something: it must read on");
  }
}

machinery(import.meta.url, onlyToBeCalled(copying));
