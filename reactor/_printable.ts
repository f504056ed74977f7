import module from "node:module";

/*
 * When Deno 2.9 prints an error with a stack and cannot open its cache, it transpiles the `.ts`
 * file again. For that it asks the C library once for the size of the stack of the main thread. On
 * Linux this opens a file, and Deno panics if it cannot. So a program without free descriptors
 * would end when it prints an error.
 *
 * This file transpiles something while there are descriptors, so that Deno has that answer. From
 * then on every error can be printed, by the reactor, the program or Deno.
 */

let done = false;

/**
 * Makes errors printable even if no descriptor is left. The first call takes a few milliseconds.
 */
export function makeErrorsPrintable(): void {
  if (done || Deno.build.os !== "linux") return;
  done = true;
  // The statement must be nested: only for nested code Deno asks for the size of the stack.
  module.stripTypeScriptTypes?.("if (a) b;");
}
