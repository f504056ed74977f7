import type { Coroutine } from "../compose/mod.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

/** There are too many connections. */
export class Overloaded extends RemoteProtocolError {
  constructor() {
    super("Service Unavailable", { status: 503 });
  }
}

/** Answers the requests on connections that are refused. */
// deno-lint-ignore require-yield
export function* refuse(): Coroutine {
  throw new Overloaded();
}
