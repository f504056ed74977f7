import { shown } from "../reactor/_describe.ts";
import type { Context } from "./context.ts";
import { Opened } from "./opened.ts";

/**
 * What is no context would fail far away, at the first read.
 *
 * @throws {TypeError} With what to give instead.
 */
export function checkContext(context: unknown): asserts context is Context {
  const { recv, watch } = (context ?? {}) as Partial<Context>;
  if (typeof recv === "function" && typeof watch === "function") return;
  throw new TypeError(`Cannot use ${shown(context)} as a context: ${instead(context)}`);
}

function instead(context: unknown): string {
  if (context instanceof Opened) return "enter() it in the coroutine, or give its context";
  const { read, write, next } = (context ?? {}) as Record<string, unknown>;
  if (typeof next === "function") {
    return "give undefined where there is none, and then the coroutine";
  }
  if (typeof read === "function" || typeof write === "function") {
    return "make a socket of it by reactor.adopt()";
  }
  return "give a socket of the reactor, memory(), or what open() or connectTo() gives";
}
