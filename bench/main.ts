/**
 * All benchmarks, one after the other, each in a process of its own.
 *
 *     deno task bench [compose] [pipeline] [reactor] [http] [idle] [zero_copy] …
 */
import { here } from "./_servers.ts";

const known = [
  "compose",
  "pipeline",
  "reactor",
  "http",
  "http_protocol",
  "idle",
  "breakdown",
  "zero_copy",
  "static",
  "client",
  "abuse",
  "h2",
  "h2_floods",
  "websocket",
];
const chosen = Deno.args.length > 0 ? Deno.args : known;
for (const name of chosen) {
  if (!known.includes(name)) {
    console.error(`Cannot run ${name}: the benchmarks are ${known.join(", ")}`);
    Deno.exit(1);
  }
}
let failed = false;
for (const name of chosen) {
  console.log(`\n== ${name}`);
  const args = ["run", "-A", here(`${name}.ts`)];
  const { success } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  failed ||= !success;
}
if (failed) Deno.exit(1);
