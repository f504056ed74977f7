/** Hundreds of relayed connections at once, in a program of their own: as root, as somebody else, and without ffi. */
import { assert, assertEquals } from "@std/assert";
import { output } from "../_peers.ts";
import { fileURLToPath } from "node:url";

const LINUX = Deno.build.os === "linux";
const IS_ROOT = Deno.uid() === 0;
const NOBODY = 65534;
const PROGRAM = fileURLToPath(new URL("./_many_relays.ts", import.meta.url));

interface Outcome {
  whole: number;
  cut: number;
  spliced: number;
  copied: number;
  mostPipes: number;
  uid: number;
  problems: string[];
  left: number;
}

/** Gives it as many descriptors as it may have. */
const RAISED = 'ulimit -n 20000 2>/dev/null || ulimit -n "$(ulimit -H -n)"';

/**
 * How many connections, at most 600, can be relayed here: each takes four descriptors, and two pipes of two as long as the
 * pool makes new ones; there is a rest for the program itself.
 */
async function affordable(): Promise<number> {
  const limit = Number((await output("sh", ["-c", `${RAISED}; ulimit -n`])).text) || Infinity;
  const count = Math.min(600, Math.max((limit - 100) / 8, (limit - 612) / 4));
  if (count < 600) console.log(`Only ${Math.floor(count)} connections: ulimit -n is ${limit}`);
  return Math.floor(count);
}
const MANY = await affordable();

/** Runs the program, with enough descriptors, as who `wrapper` makes of it. */
async function relays(
  connections: number,
  kind: string,
  { wrapper = [] as string[], flags = ["-A"], args = [] as string[] } = {},
): Promise<Outcome> {
  const deno = [Deno.execPath(), "run", "--no-config", "--no-check", ...flags, PROGRAM];
  const { code, text, errors } = await output("sh", [
    "-c",
    `${RAISED}; exec "$@"`,
    "sh",
    ...wrapper,
    ...deno,
    String(connections),
    kind,
    ...args,
  ]);
  assertEquals(code, 0, errors);
  const outcome: Outcome = JSON.parse(text);
  assertEquals([outcome.problems, outcome.left], [[], 0]);
  assertEquals(outcome.whole + outcome.cut, connections);
  assert(outcome.cut < connections / 2, `${outcome.cut} were cut`);
  return outcome;
}

for (const kind of LINUX ? ["conn", "deno", "epoll"] : ["conn", "deno"]) {
  Deno.test(`splice.both() relays many connections at once, ends: ${kind}`, async () => {
    const { spliced, mostPipes } = await relays(MANY, kind);
    if (!LINUX) return;
    assert(spliced > 0);
    assert(mostPipes <= 256);
  });
}

for (const args of [[], ["nearly-no-pipes"]]) {
  const when = args.length > 0 ? " who has used them up" : "";
  Deno.test({
    name: `splice.both() relays many connections at once for a user whose pipes are limited${when}`,
    // Only root can become somebody else; for anybody else the test above is this one.
    ignore: !LINUX || !IS_ROOT,
    async fn() {
      const cache = await Deno.makeTempDir();
      await Deno.chown(cache, NOBODY, NOBODY);
      try {
        const who = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
        const wrapper = [...who, "env", `DENO_DIR=${cache}`];
        const { uid, spliced, mostPipes } = await relays(MANY, "conn", { wrapper, args });
        assertEquals(uid, NOBODY);
        if (args.length === 0) assert(spliced > 0);
        else assert(mostPipes < 64, `${mostPipes} pipes`);
      } finally {
        await Deno.remove(cache, { recursive: true });
      }
    },
  });
}

Deno.test("splice.both() relays by copying where there is no ffi", async () => {
  const flags = ["--allow-net=127.0.0.1", "--allow-sys=uid"];
  const { spliced, copied, mostPipes } = await relays(Math.min(MANY, 200), "conn", { flags });
  assertEquals([spliced, mostPipes], [0, 0]);
  assert(copied > 0);
});
