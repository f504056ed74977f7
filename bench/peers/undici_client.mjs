// As client.ts, by the fastest API of undici, which is imported from where the first argument says; runs on Node and on Deno.
//
//     node bench/peers/undici_client.mjs ./node_modules/undici/index.js
import process from "node:process";
import { obey } from "./_orders.mjs";

const { Pool } = (await import(process.argv[2])).default;

/** One request after the other, by `dispatch`. The methods of a handler have the names that need no conversion. */
class Asking {
  #pool;
  #turns;
  #resolve;
  #reject;
  #began;
  #chunks;

  constructor(pool, turns, resolve, reject) {
    this.#pool = pool;
    this.#turns = turns;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  next() {
    this.#began = this.#turns.begin();
    if (this.#began === undefined) return this.#resolve();
    this.#chunks = [];
    this.#pool.dispatch({ path: "/", method: "GET" }, this);
  }

  onConnect() {}

  onHeaders() {
    return true;
  }

  onData(chunk) {
    this.#chunks.push(chunk);
    return true;
  }

  onComplete() {
    const chunks = this.#chunks;
    const bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    this.#turns.end(this.#began, bytes.toString());
    this.next();
  }

  onError(error) {
    this.#reject(error);
  }
}

let pool;
await obey({
  ask(turns) {
    pool ??= new Pool(new URL(turns.url).origin, { connections: 64 });
    return turns.atOnce(() =>
      new Promise((resolve, reject) => new Asking(pool, turns, resolve, reject).next())
    );
  },
});
