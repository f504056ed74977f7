/** The pool of a client: how many connections there are, who gets them, and what is left. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { call, type Coroutine } from "../../compose/mod.ts";
import { type Gio, gio } from "../../gio/mod.ts";
import { HttpClient, type HttpClientOptions } from "../../http/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { serverTest } from "./_live.ts";
import { headOf, Puppet, whole } from "./_puppet.ts";

/** There are never more connections than allowed, and nobody waits who could be served. */
function checkCounts(client: HttpClient, max: number, perOrigin: number): void {
  const origins = client.inspect();
  const told = JSON.stringify(origins);
  const total = origins.reduce((sum, { idle, active }) => sum + idle + active, 0);
  const hasIdle = origins.some(({ idle }) => idle > 0);
  assert(total <= max, `more than ${max} connections: ${told}`);
  for (const { idle, active, waiting } of origins) {
    assert(idle >= 0 && active >= 0 && waiting >= 0, `below zero: ${told}`);
    assert(idle + active <= perOrigin, `more than ${perOrigin} to an origin: ${told}`);
    const hasRoom = active < perOrigin && (total < max || hasIdle);
    assert(waiting === 0 || !hasRoom, `somebody waits without a need: ${told}`);
  }
}

/** What a server can do with a request. All but "answers" and "redirects" are no fault of who asks. */
const ANSWERS = {
  answers: whole("hello"),
  "answers, for the last time": whole("hello", "Connection: close"),
  "answers slowly": undefined,
  redirects: undefined,
  "closes": undefined,
  cuts: undefined,
  "sends nonsense": "HTTP/9 ?\r\n\r\n",
  "sends too much": `${whole("hello")}${whole("evil")}`,
};
const SPOILS: readonly (keyof typeof ANSWERS)[] = ["closes", "cuts", "sends nonsense"];

const READINGS = ["text", "close", "leave", "later"] as const;

const natural = fc.nat({ max: 1000 });
const step = fc.record({
  act: fc.oneof(
    { weight: 6, arbitrary: fc.constant("ask" as const) },
    { weight: 6, arbitrary: fc.constant("answer" as const) },
    { weight: 1, arbitrary: fc.constant("cancel" as const) },
    { weight: 1, arbitrary: fc.constant("close idle" as const) },
  ),
  origin: fc.nat({ max: 2 }),
  which: natural,
  to: fc.nat({ max: 2 }),
  answer: fc.oneof(
    { weight: 3, arbitrary: fc.constant("answers" as const) },
    { weight: 5, arbitrary: fc.constantFrom(...Object.keys(ANSWERS) as (keyof typeof ANSWERS)[]) },
  ),
  reading: fc.constantFrom(...READINGS),
  rests: fc.nat({ max: 6 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Somebody who asks. */
interface Asked {
  readonly task: Gio;
  /** How it has ended. */
  outcome: "served" | { error: unknown } | undefined;
  /** Whether it may fail. */
  isSpoilt: boolean;
}

async function play(
  reactor: Reactor,
  puppets: Puppet[],
  { max, perOrigin, steps }: { max: number; perOrigin: number; steps: Step[] },
): Promise<void> {
  const check = () => checkCounts(client, max, perOrigin);
  const client = new HttpClient({
    reactor,
    maxConnections: max,
    maxConnectionsPerOrigin: perOrigin,
    cookies: { get: () => void check(), set: check }, // Is called in the midst of things.
  });
  const all: Asked[] = [];
  const ask = (url: string, reading: Step["reading"]) => {
    const run = function* (): Coroutine {
      const answer = yield* client.get(url);
      check();
      if (reading === "close") answer.close();
      else if (reading === "text") assertEquals(yield* call(answer.text()), "hello");
      else if (reading === "later") {
        using _ = answer.enter();
        for (let length = 0; length < 5;) length += (yield).length;
      }
      check();
    };
    const task = gio(reactor, undefined, run());
    const asked: Asked = { task, outcome: undefined, isSpoilt: false };
    all.push(asked);
    task.result.then(() => asked.outcome = "served", (error) => asked.outcome = { error });
  };
  const askedFor = (target: string) => all[Number(target.slice(1))]!;
  const answer = (puppet: Puppet, { which, answer, to }: Pick<Step, "which" | "answer" | "to">) => {
    const request = puppet.held[which % puppet.held.length];
    if (request === undefined) return;
    if (SPOILS.includes(answer)) askedFor(request.target).isSpoilt = true;
    const isBegun = begun.has(request);
    if (isBegun && answer !== "closes" && answer !== "cuts") request.answer("llo");
    else if (answer === "closes") request.close();
    else if (answer === "redirects") {
      const location = `${puppets[to]!.url}${request.target}`;
      request.answer(`${headOf(302, 3, `Location: ${location}`)}abc`);
    } else if (answer === "answers slowly" || answer === "cuts") {
      begun.add(request);
      if (!isBegun) request.send(`${headOf(200, 5)}he`);
      if (answer === "cuts") setTimeout(() => request.close());
    } else request.answer(ANSWERS[answer]!);
  };
  const begun = new WeakSet<object>();
  try {
    for (const one of steps) {
      const puppet = puppets[one.origin]!;
      if (one.act === "ask") ask(`${puppet.url}/${all.length}`, one.reading);
      else if (one.act === "answer") answer(puppet, one);
      else if (one.act === "close idle") puppet.closeIdle();
      else if (all.length > 0) {
        const asked = all[one.which % all.length]!;
        asked.isSpoilt = true;
        asked.task.cancel();
      }
      check();
      for (let i = 0; i < one.rests; i++) {
        await turns();
        check();
      }
    }
    await turnsUntil(() => {
      check();
      for (const puppet of puppets) answer(puppet, { which: 0, answer: "answers", to: 0 });
      return all.every(({ outcome }) => outcome !== undefined);
    });
    for (const { outcome, isSpoilt } of all) {
      if (outcome !== "served" && !isSpoilt) throw outcome!.error;
    }
    await turnsUntil(() => {
      for (const puppet of puppets) answer(puppet, { which: 0, answer: "answers", to: 0 });
      return client.inspect().every(({ active, waiting }) => active === 0 && waiting === 0);
    });
    check();
  } finally {
    client.close();
    for (const { task } of all) task.cancel();
  }
  await turnsUntil(() => client.inspect().length === 0);
  await turnsUntil(() => reactor.openConnections.size === 0);
}

serverTest(
  "the pool keeps its limits, serves everybody, and leaves nothing, whatever happens",
  async (reactor, errors) => {
    await using one = new Puppet(), two = new Puppet(), three = new Puppet();
    const puppets = [one, two, three];
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          max: fc.integer({ min: 2, max: 4 }),
          perOrigin: fc.integer({ min: 1, max: 2 }),
          steps: fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
        }),
        async (game) => {
          await play(reactor, puppets, game);
          assertEquals(errors, []);
          assertEquals(reactor.inspect(), []);
        },
      ),
      { seed: 12, numRuns: 60, interruptAfterTimeLimit: 20_000 },
    );
  },
);

/** Asks and reads; the promise is kept so that nobody misses an error. */
function asking(client: HttpClient, url: string): Promise<string> {
  return (async () => await (await client.get(url)).text())();
}

/** Registers a test of a client with two servers. */
function poolTest(
  name: string,
  options: HttpClientOptions,
  fn: (client: HttpClient, one: Puppet, two: Puppet, order: string[]) => Promise<void>,
): void {
  serverTest(name, async (reactor, errors) => {
    const order: string[] = [];
    const note = ({ target }: { target: string }) => void order.push(target);
    await using one = new Puppet(note), two = new Puppet(note);
    using client = new HttpClient({ ...options, reactor });
    await fn(client, one, two, order);
    client.close();
    await turnsUntil(() => client.inspect().length === 0);
    assertEquals(errors, []);
  });
}

const settled = (client: HttpClient, waiting: number) =>
  turnsUntil(() => client.inspect().reduce((sum, one) => sum + one.waiting, 0) === waiting);

poolTest(
  "those who wait for one connection are served in their order, whatever their origin",
  { maxConnections: 1 },
  async (client, one, two, order) => {
    const asked = [
      asking(client, `${one.url}/1`),
      asking(client, `${one.url}/2`),
      asking(client, `${two.url}/3`),
      asking(client, `${one.url}/4`),
      asking(client, `${two.url}/5`),
      asking(client, `${two.url}/6`),
    ];
    for (const [i, puppet] of [one, one, two, one, two, two].entries()) {
      const request = await puppet.asked(`/${i + 1}`);
      assertEquals(client.inspect().reduce((sum, { active }) => sum + active, 0), 1);
      request.answer(whole("hello"));
    }
    await Promise.all(asked);
    assertEquals(order, ["/1", "/2", "/3", "/4", "/5", "/6"]);
  },
);

poolTest(
  "a busy origin does not keep another one waiting",
  { maxConnections: 1 },
  async (client, one, two, order) => {
    let isOver = false;
    const busy = async (name: string) => {
      for (let i = 0; !isOver; i++) await asking(client, `${one.url}/${name}${i}`);
    };
    const loops = [busy("a"), busy("b"), busy("c")];
    const next = async () => {
      await turnsUntil(() => one.held.length > 0 || two.held.length > 0);
      for (const { held } of [one, two]) held[0]?.answer(whole("hello"));
    };
    for (let i = 0; i < 5; i++) await next();
    const before = order.length;
    const other = asking(client, `${two.url}/other`);
    while (two.seen.length === 0 && order.length < before + 20) await next();
    // Three were before it, and one more may have begun.
    assert(order.indexOf("/other") <= before + 4, order.join());
    isOver = true;
    const ended = Promise.all([...loops, other]).then(() => isEnded = true);
    let isEnded = false;
    while (!isEnded) {
      for (const { held } of [one, two]) held[0]?.answer(whole("hello"));
      await turns();
    }
    await ended;
  },
);

poolTest(
  "who can be served does not wait for those who cannot",
  { maxConnections: 3, maxConnectionsPerOrigin: 1 },
  async (client, one, two, order) => {
    const asked = [1, 2, 3].map((i) => asking(client, `${one.url}/a${i}`));
    const others = [1, 2].map((i) => asking(client, `${two.url}/b${i}`));
    await one.asked("/a1");
    (await two.asked("/b1")).answer(whole("hello"));
    (await two.asked("/b2")).answer(whole("hello"));
    assertEquals(order.filter((target) => target[1] === "a"), ["/a1"]);
    for (const i of [1, 2, 3]) (await one.asked(`/a${i}`)).answer(whole("hello"));
    await Promise.all([...asked, ...others]);
  },
);

poolTest(
  "a request that is repeated gets a new connection, though a used one is free",
  { maxConnectionsPerOrigin: 2 },
  async (client, one) => {
    const first = [asking(client, `${one.url}/1`), asking(client, `${one.url}/2`)];
    for (const target of ["/1", "/2"]) (await one.asked(target)).answer(whole("hello"));
    await Promise.all(first);
    const again = client.get(`${one.url}/again`).then((answer) => answer);
    (await one.asked("/again")).close();
    const repeated = await one.asked("/again");
    assertEquals([repeated.connection, one.connections], [3, 3]);
    assertEquals(client.inspect()[0]!.idle, 1);
    repeated.answer(whole("hello"));
    assertEquals((await again).isReused, false);
  },
);

poolTest(
  "a request that is repeated waits in a full origin, and a free connection is closed for it",
  { maxConnectionsPerOrigin: 2 },
  async (client, one) => {
    const first = [asking(client, `${one.url}/1`), asking(client, `${one.url}/2`)];
    for (const target of ["/1", "/2"]) (await one.asked(target)).answer(whole("hello"));
    await Promise.all(first);
    const again = client.get(`${one.url}/again`).then((answer) => answer);
    const lost = await one.asked("/again");
    const other = asking(client, `${one.url}/other`);
    const held = await one.asked("/other");
    const third = asking(client, `${one.url}/third`);
    await settled(client, 1);
    lost.close();
    // The third has waited for longer.
    const thirdHeld = await one.asked("/third");
    await settled(client, 1);
    held.answer(whole("hello"));
    const repeated = await one.asked("/again");
    assertEquals(repeated.connection, 4);
    assertEquals(client.inspect()[0]!.active, 2);
    repeated.answer(whole("hello"));
    thirdHeld.answer(whole("hello"));
    assertEquals((await again).isReused, false);
    await Promise.all([other, third]);
  },
);

poolTest(
  "who asks while those that wait are served comes after them, and no limit is exceeded",
  { maxConnections: 2, maxConnectionsPerOrigin: 1 },
  async (client, one, two) => {
    // Each answer makes room, which a closed connection of the other origin makes as well.
    const texts: Promise<string>[] = [];
    const ask = async (left: number, puppet: Puppet): Promise<string> => {
      const answer = await client.get(`${puppet.url}/${left}`);
      checkCounts(client, 2, 1);
      if (left > 0) texts.push(ask(left - 1, puppet === one ? two : one));
      return await answer.text();
    };
    for (let i = 0; i < 4; i++) texts.push(ask(3, i % 2 === 0 ? one : two));
    let isOver = false;
    const over = (async () => {
      for (let i = 0; i < texts.length; i++) assertEquals(await texts[i], "hello");
      isOver = true;
    })();
    await turnsUntil(() => {
      checkCounts(client, 2, 1);
      for (const { held } of [one, two]) {
        const lines = held.length % 2 === 0 ? [] : ["Connection: close"];
        held[0]?.answer(whole("hello", ...lines));
      }
      return isOver;
    });
    await over;
    assertEquals(texts.length, 16);
  },
);

/** What the user may do in the midst of a response. */
const MIDST: Record<string, (client: HttpClient, abort: AbortController, url: string) => void> = {
  "gives up": (_, abort) => abort.abort(new RangeError("enough")),
  "closes the client": (client) => client.close(),
  "asks for more": (client, _, url) =>
    void client.get(`${url}/more`).then((answer) => answer.text()),
};

for (const name in MIDST) {
  for (const where of ["onInterim", "cookies"] as const) {
    serverTest(`${where} ${name}`, async (reactor, errors) => {
      await using puppet = new Puppet(({ target, answer }) => {
        answer(`HTTP/1.1 103 Hints\r\n\r\n${whole("hello", `Set-Cookie: a=${target}`)}`);
      });
      const abort = new AbortController();
      let times = 0;
      const act = () => {
        if (times++ === 0) MIDST[name]!(client, abort, puppet.url);
      };
      using client = new HttpClient({
        reactor,
        maxConnections: 1,
        cookies: { get: () => undefined, set: where === "cookies" ? act : () => {} },
      });
      const options = { signal: abort.signal, ...(where === "onInterim" && { onInterim: act }) };
      const outcome = await client.get(puppet.url, options).then(
        (answer) => answer.text(),
        (error) => error,
      );
      if (name !== "gives up") assertEquals(outcome, "hello");
      else if (where === "onInterim") assertInstanceOf(outcome, RangeError);
      await turnsUntil(() =>
        client.inspect().every(({ active, waiting }) => active + waiting === 0)
      );
      client.close();
      await turnsUntil(() => client.inspect().length === 0);
      assertEquals(puppet.seen, name === "asks for more" ? ["/", "/more"] : ["/"]);
      assertEquals(errors, []);
    });
  }
}
