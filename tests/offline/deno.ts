/**
 * Runs `deno` with the given arguments, and with the offline import map if JSR does not answer.
 *
 * The tests import a little of `@std` from JSR. Where JSR cannot be reached, thin adapters with the same names stand
 * in for it (`assert.ts` beside this file); nothing else changes.
 */
const TIMEOUT_MS = 5000;

async function jsrAnswers(): Promise<boolean> {
  try {
    const response = await fetch("https://jsr.io/@std/assert/meta.json", {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

const [subcommand = "test", ...args] = Deno.args;
if (await jsrAnswers()) {
  console.error("@std comes from JSR");
} else {
  const map = new URL("import_map.json", import.meta.url).href;
  console.error("JSR does not answer: @std comes from the adapters in tests/offline");
  args.unshift(`--import-map=${map}`);
}
const { code } = await new Deno.Command(Deno.execPath(), { args: [subcommand, ...args] }).spawn()
  .status;
Deno.exit(code);
