import { describe } from "../reactor/_describe.ts";
import { here } from "../reactor/mod.ts";
import { Framed, Framing } from "../reactor/transfer/_framed.ts";
import type { Lender, Use } from "../reactor/transfer/transfer.ts";
import { Channel } from "./_channel.ts";
import type { Context } from "./context.ts";
import type { Base, Places } from "./_places.ts";

/**
 * Lets a transfer use the contexts of a coroutine. The transfer gets what was pushed back first,
 * and gives back what it received beyond its limit. If a protocol is spoken on a context, as that of
 * HTTP for a handler, the transfer gets what the protocol makes of it.
 */
export class Lending implements Lender {
  readonly #places: Places;
  /** For branches, until they enter a context: that of the coroutine that runs the branch. */
  readonly #outer: Lending | undefined;

  constructor(places: Places, outer: Lending | undefined) {
    this.#places = places;
    this.#outer = outer;
  }

  /** The context that {@linkcode here} means. */
  get innermost(): Context | undefined {
    return this.#places.innermost?.context ?? this.#outer?.innermost;
  }

  /** The place where a protocol is spoken, for a transfer in another coroutine. */
  get base(): Base {
    this.#places.base!.stopIdleReading();
    return new Spoken(this.#places);
  }

  /** Ends what is sent to the innermost context. */
  shutdown(): void {
    const { innermost, base, inner } = this.#places;
    if (innermost === undefined) throw noContext("end the output");
    if (innermost === base && inner?.isRunning && !inner.hasTakenOver) {
      throw new TypeError(
        "Cannot end the output in the middle of HTTP: the message ends with its handler",
      );
    }
    const { context } = innermost;
    if (context.shutdown === undefined) {
      throw new TypeError(`Cannot end the output to ${describe(context)}: it has no half to close`);
    }
    context.shutdown();
  }

  lend(end: Parameters<Lender["lend"]>[0], use: Use): object {
    const lent = end === here ? this.innermost : "context" in end ? end.context : end;
    if (lent === undefined) throw noContext("transfer");
    if (!isContext(lent)) return lent;
    const framed = this.#frame(lent, use);
    if (
      framed !== undefined && (end !== here || this.innermost !== this.#places.innermost?.context)
    ) {
      throw new TypeError(
        "Cannot transfer in the middle of HTTP by this: transfer from or to `here`, and in the handler itself",
      );
    }
    const channel = Channel.of(lent);
    channel.stopIdleReading();
    if (!(lent instanceof Framing)) return framed ?? lent;
    if (this.#places.innermost === channel) this.#places.keepRest();
    return lent.frame(takeBytes(channel));
  }

  unread(end: object): Uint8Array[] {
    if (!isContext(end)) return [];
    this.keepRest(end);
    return takeBytes(Channel.of(end));
  }

  /** Gives what was pushed back to the context that it came from, for somebody else who reads that. */
  keepRest(context: Context): void {
    this.#outer?.keepRest(context);
    if (this.#places.innermost?.context === context) this.#places.keepRest();
  }

  ended(target: object, isWhole: boolean): void {
    if (target instanceof Framed) target.ended(isWhole);
    else if (isContext(target)) Channel.of(target).isPart = !isWhole;
  }

  takeBack(end: object, unread: Uint8Array[]): void {
    Channel.of(end as Context).unread(unread);
  }

  #frame(context: Context, use: Use): Framed | undefined {
    const { inner, base } = this.#places;
    if (base?.context !== context) {
      return this.#outer === undefined ? undefined : this.#outer.#frame(context, use);
    }
    return inner?.isRunning ? inner.frame?.(use, new Spoken(this.#places)) : undefined;
  }
}

/** The place where a protocol is spoken, for a transfer in the middle of it. */
class Spoken implements Base {
  readonly #places: Places;
  readonly #channel: Channel;

  constructor(places: Places) {
    this.#places = places;
    this.#channel = places.base!;
  }

  get context(): Context {
    return this.#channel.context;
  }

  get isOut(): boolean {
    return this.#channel.outbox.size === 0;
  }

  write(data: string | Uint8Array): void {
    // What a transfer that is cut has not sent is sent with what is written next.
    this.#places.top!.output = "unsent";
    this.#channel.written = true;
    this.#channel.outbox.push(data);
  }

  send(): boolean {
    const { context, outbox } = this.#channel;
    return outbox.size === 0 || outbox.flush(context);
  }

  sent(bytes: number, isBlocked: boolean): void {
    this.#channel.outbox.sent += bytes;
    this.#channel.isBlocked = isBlocked;
  }

  takeRest(): Uint8Array[] {
    this.#places.keepOuterRest();
    return takeBytes(this.#channel);
  }
}

/** Takes what was pushed back. If it is not all bytes and text, nothing is taken. */
function takeBytes(channel: Channel): Uint8Array[] {
  const bytes = channel.rest.map(asBytes);
  channel.takeRest();
  return bytes;
}

export function noContext(verb: string): Error {
  return new Error(
    `Cannot ${verb}: there is no context, enter one first (using _ = enter(context)) or give gio() a connection`,
  );
}

function isContext(end: object): end is Context {
  return "recv" in end && "watch" in end;
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return new TextEncoder().encode(value);
  throw new TypeError(`Cannot transfer ${typeof value} that was pushed back: only bytes and text`);
}
