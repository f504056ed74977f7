/**
 * A client that asks when its standard input says so, by one of several means.
 *
 *     deno run -A bench/peers/client.ts MEANS [h2]
 *
 * With `h2` it speaks HTTP/2. MEANS is `epoll` or `deno` (coroutines on that back end), `await` (ours, in a program without coroutines), or `fetch`.
 * See `_orders.mjs` for what it reads and prints.
 */
import { call, type Coroutine } from "../../compose/mod.ts";
import { gio } from "../../gio/mod.ts";
import { HttpClient } from "../../http/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { obey } from "./_orders.mjs";

/** Of `_orders.mjs`, which knows no types. */
interface Turns {
  readonly url: string;
  begin(): number | undefined;
  end(began: number, text: string): void;
  atOnce(act: () => Promise<void>): Promise<unknown>;
}

interface Client {
  ask(turns: Turns): Promise<unknown>;
  download(url: string, path: string): Promise<number>;
}

const [means, wire] = Deno.args;
const options = { http2: wire === "h2" ? "prior-knowledge" : true } as const;
await obey(
  means === "fetch" ? fetching() : means === "await" ? awaiting() : yielding(means as "epoll"),
);

function yielding(selector: "epoll" | "deno"): Client {
  const reactor = new Reactor({ selector });
  const client = new HttpClient(options);
  function* ask(turns: Turns): Coroutine<void> {
    for (let began; (began = turns.begin()) !== undefined;) {
      const response = yield* client.get(turns.url);
      turns.end(began, yield* call(response.text()));
    }
  }
  function* download(url: string, path: string): Coroutine<number> {
    const response = yield* client.get(url);
    return yield* call(response.saveTo(path));
  }
  const run = <R>(coroutine: Coroutine<R>): Promise<R> => gio(reactor, undefined, coroutine).result;
  reactor.run();
  return {
    ask: (turns) => turns.atOnce(() => run(ask(turns))),
    download: (url, path) => run(download(url, path)),
  };
}

function awaiting(): Client {
  const client = new HttpClient(options);
  return {
    ask: (turns) =>
      turns.atOnce(async () => {
        for (let began; (began = turns.begin()) !== undefined;) {
          const response = await client.get(turns.url);
          turns.end(began, await response.text());
        }
      }),
    async download(url, path) {
      const response = await client.get(url);
      return await response.saveTo(path);
    },
  };
}

function fetching(): Client {
  const client = wire === "h2" ? Deno.createHttpClient({ http1: false, http2: true }) : undefined;
  const asked = client && { client };
  return {
    ask: (turns) =>
      turns.atOnce(async () => {
        for (let began; (began = turns.begin()) !== undefined;) {
          const response = await fetch(turns.url, asked);
          turns.end(began, await response.text());
        }
      }),
    async download(url, path) {
      const response = await fetch(url);
      const file = await Deno.open(path, { write: true, create: true, truncate: true });
      await response.body!.pipeTo(file.writable);
      return (await Deno.stat(path)).size;
    },
  };
}
