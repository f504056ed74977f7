// As client.ts, by node:http2; runs on Node and on Deno.
import { connect } from "node:http2";
import { obey } from "./_orders.mjs";

/** One request after the other, on a session that all share. */
class Asking {
  #session;
  #turns;
  #resolve;
  #reject;

  constructor(session, turns, resolve, reject) {
    this.#session = session;
    this.#turns = turns;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  next() {
    const began = this.#turns.begin();
    if (began === undefined) return this.#resolve();
    const stream = this.#session.request({ ":path": "/" });
    let text = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk) => text += chunk);
    stream.on("error", this.#reject);
    stream.on("end", () => {
      this.#turns.end(began, text);
      this.next();
    });
  }
}

let session;
await obey({
  ask(turns) {
    session ??= connect(turns.url);
    return turns.atOnce(() =>
      new Promise((resolve, reject) => new Asking(session, turns, resolve, reject).next())
    );
  },
});
session?.close();
