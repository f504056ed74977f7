/** Programs of other people that the tests talk to. */

/**
 * Whether a command is there. On CI a missing one is an error: a green run must not have skipped its work.
 */
export function hasCommand(command: string): boolean {
  try {
    new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch {
    if (Deno.env.get("CI")) {
      throw new Error(`Cannot find ${command}, which .ci/run should have installed`);
    }
    return false;
  }
}

/** Runs a command to its end and returns what it printed. */
export async function output(
  command: string,
  args: string[],
  input?: Uint8Array<ArrayBuffer>,
): Promise<{ code: number; stdout: Uint8Array; text: string; errors: string }> {
  const process = new Deno.Command(command, {
    args,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ code, stdout, stderr }] = await Promise.all([
    process.output(),
    input === undefined
      ? undefined
      : new Blob([input]).stream().pipeTo(process.stdin).catch(() => {}),
  ]);
  const decoder = new TextDecoder();
  return { code, stdout, text: decoder.decode(stdout), errors: decoder.decode(stderr) };
}
