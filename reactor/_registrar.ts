import type { Reactor } from "./reactor.ts";

/** The part of {@linkcode Reactor} that sockets, requests and transfers use. */
export type Registrar = Pick<
  Reactor,
  | "clock"
  | "currentContext"
  | "addReader"
  | "addWriter"
  | "removeReader"
  | "removeWriter"
  | "suspend"
  | "resumeReader"
  | "resumeWriter"
  | "addTimer"
  | "removeTimer"
  | "addShutdownHook"
  | "removeShutdownHook"
  | "onError"
>;
