export * from "./call.ts";
export * from "./command.ts";
export * from "./compose.ts";
export * from "./coroutine.ts";
export * from "./end_of_stream.ts";
export * from "./local.ts";
export { pushBack } from "./push_back.ts";
export * from "./trace.ts";
export * from "./yield.ts";
