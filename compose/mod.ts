/** @module */
export * from "./coroutine.ts";
export * from "./compose.ts";
export * from "./call.ts";
export * from "./command.ts";
export * from "./end_of_stream.ts";
export { pushBack } from "./push_back.ts";
export { Yield } from "./yield.ts";
