import module from "node:module";

/*
 * Deno 2.9 transpiles a `.ts` file again when it maps a stack and cannot open what it has cached. For that it asks the C
 * library for the size of the main thread's own stack, once; on Linux that opens a file, and Deno panics if it cannot. So a
 * program that has run out of descriptors ends when it prints an error.
 *
 * Here it transpiles something while there are descriptors, and has its answer. From then on any error can be printed, by the
 * reactor, by the program or by Deno.
 */

let done = false;

/** Makes errors printable when no descriptor is left. It takes a few milliseconds, the first time. */
export function makeErrorsPrintable(): void {
  if (done || Deno.build.os !== "linux") return;
  done = true;
  // It must be a statement with parts: Deno looks after the stack only where code nests.
  module.stripTypeScriptTypes?.("if (a) b;");
}
