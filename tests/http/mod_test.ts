import { assertEquals } from "@std/assert";
import * as http from "../../http/mod.ts";

Deno.test("the http module exports what it should, and no more", () => {
  assertEquals(Object.keys(http).sort(), [
    "EndOfStream",
    "HttpHeaders",
    "HttpProtocol",
    "HttpRequest",
    "HttpServer",
    "LocalProtocolError",
    "RemoteProtocolError",
    "Server",
    "defaultLimits",
    "httpProtocol",
    "methodNotAllowed",
    "ok",
    "response",
  ]);
});
