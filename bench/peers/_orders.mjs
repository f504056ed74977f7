// What all clients that are measured share; runs on Deno and on Node.
import { createInterface } from "node:readline";
import process from "node:process";

/** How many requests are on their way at the same time. */
const AT_ONCE = 64;
const ANSWER = "Hello!";

/** The requests of one measurement: who asks takes them one after the other. */
class Turns {
  url;
  #left;
  /** Milliseconds that each request took. */
  #taken;
  #ended = 0;

  constructor(url, requests) {
    this.url = url;
    this.#left = requests;
    this.#taken = new Float64Array(requests);
  }

  /** The time when the next request begins; undefined if there are no more. */
  begin() {
    return this.#left-- > 0 ? performance.now() : undefined;
  }

  /** A request that has begun at this time has ended. */
  end(began, text) {
    if (text !== ANSWER) throw new Error(`Got ${JSON.stringify(text)}`);
    this.#taken[this.#ended++] = performance.now() - began;
  }

  /** Calls `act` so often as requests are on their way at the same time. */
  atOnce(act) {
    return Promise.all(Array.from({ length: AT_ONCE }, act));
  }

  /** The latencies, sorted. */
  get sorted() {
    if (this.#ended < this.#taken.length) throw new Error(`Only ${this.#ended} requests ended`);
    return this.#taken.sort();
  }
}

/**
 * Reads orders, `ask URL REQUESTS` or `download URL PATH`, and prints a line of JSON when each is carried out. A client has `ask(turns)`, and
 * perhaps `download(url, path)`, which gives how many bytes were written.
 */
export async function obey(client) {
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const [order, url, what] = line.split(" ");
    const began = performance.now();
    if (order === "download") {
      const bytes = await client.download(url, what);
      console.log(JSON.stringify({ bytes, elapsed: performance.now() - began }));
    } else {
      const turns = new Turns(url, Number(what));
      await client.ask(turns);
      const elapsed = performance.now() - began;
      const { sorted } = turns;
      const at = (part) => sorted[Math.floor(sorted.length * part)];
      console.log(JSON.stringify({ elapsed, p50: at(0.5), p99: at(0.99) }));
    }
  }
  process.exit();
}
