/** What the relays share: what became of each connection, as a line of JSON. */
import type { Coroutine } from "@weightless/io/compose";
import type { Opened } from "@weightless/io/gio";
import { type Socket, type TransferredBothWays, zeroCopy } from "@weightless/io/reactor";

/** What a relay tells of a connection. */
export interface Report {
  /** Where to. */
  to?: string;
  /** The file that it is recorded in. */
  record?: string;
  /** The other connection, which gio closes at the end. */
  far?: Opened<Socket>;
  /** How much went each way, counted while it goes. */
  transferred?: TransferredBothWays;
  /** Why nothing was relayed, if the client has been told. */
  error?: string;
}

/** Runs a relay for a client, and prints what became of it: how much went each way, for how long, and what cut it. */
export function* reported(client: Socket, relay: (report: Report) => Coroutine): Coroutine<void> {
  const from = client.remoteAddr as Deno.NetAddr;
  const report: Report = {};
  const began = performance.now();
  let cut: string | undefined = "The relay was stopped";
  try {
    yield* relay(report);
    cut = undefined;
  } catch (error) {
    cut = (error as Error).message;
  } finally {
    // Whatever cut it, a signal too: closed in the usual way, both ends would take a part for the whole.
    if (cut !== undefined) { for (const end of [client, report.far?.context]) end?.abort(); }
    const { far: _, transferred, error = cut, ...details } = report;
    const seconds = Math.round(performance.now() - began) / 1000;
    console.log(json({ from: name(from), ...details, ...transferred, seconds, error }));
  }
}

/** One line of JSON. A peer chooses some of its text: what a terminal would obey, or that hides other text, is escaped. */
export function json(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu,
    (character) =>
      Array.from(
        { length: character.length },
        (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
      ).join(""),
  );
}

/** Says so when the kernel cannot move the bytes. */
export function sayIfCopied(): void {
  if (!zeroCopy.supported) console.error(`The bytes are copied: ${zeroCopy.problem}`);
}

/** An address as it is written: HOST:PORT. */
export function name({ hostname, port }: { hostname: string; port: number }): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
