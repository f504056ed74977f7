/*
 * How `this.do.log("x")` finds the observers:
 *
 *  1. `this.do` is a dispatch object; there is one for each verb. When `log` is used first, a Proxy
 *     behind that object makes a function of this name and puts it on the object. From then on it
 *     is an ordinary property.
 *  2. That function belongs to a Route, which remembers the handlers: the method `log` of each
 *     observer, or else its `do_unknown`, or else its `unknown`. Observers without any of these are
 *     left out.
 *  3. When the observers change, each Route forgets its handlers, and looks them up again at the
 *     next message. A dispatch that is running finishes with the list that it has.
 *  4. The function is also the dispatch object for the observers of that name:
 *     `this.do["console"].log("x")`.
 *  5. Only the first thousand messages are remembered. More names than that come from data, not
 *     from a program; they are looked up each time, so that memory does not grow.
 */
import { type Coroutine, EndOfStream, isCoroutine } from "../compose/mod.ts";
import { describe } from "../compose/_describe.ts";
import { machinery } from "../compose/_machinery.ts";
import { cleaned } from "../compose/_traceback.ts";
import { DeclineMessage } from "./decline_message.ts";
import { NoneOfTheObserversRespond } from "./none_of_the_observers_respond.ts";

export type Verb = "all" | "any" | "do" | "call" | "once";

// deno-lint-ignore no-explicit-any
type Method = (...args: any[]) => any;

/** What the dispatch needs to know of the sender. */
export interface Sender {
  readonly observers: readonly object[];
}

/** A dispatch object: functions by message. */
export type Dispatch = Record<string, Method>;

/** The name of a component in messages and trees. */
export function label(component: object): string {
  const kind = component.constructor?.name || "Object";
  const { observableName } = component as { observableName?: unknown };
  return typeof observableName === "string" ? `${kind}(${observableName})` : kind;
}

/** The observers of a component. A component that cannot have observers has none. */
export function observersOf(component: object): readonly object[] {
  const { addObserver, observers } = component as { addObserver?: unknown; observers?: unknown };
  return typeof addObserver === "function" && Array.isArray(observers) ? observers : [];
}

/** How many messages of one verb are remembered. */
const MAX_ROUTES = 1000;

/** How often a component was given another name. */
let renamings = 0;

/** To be called when a component has got another name. */
export function renamed(): void {
  renamings++;
}

/** One observer that answers a message. */
class Handler {
  readonly observer: object;
  readonly method: Method;
  /** Whether it answers whatever it is asked. */
  readonly viaUnknown: boolean;
  readonly #name: string;

  constructor(observer: object, name: string, method: Method, message?: string) {
    this.observer = observer;
    this.#name = name;
    this.viaUnknown = message !== undefined;
    this.method = message === undefined
      ? method
      : (...args) => method.call(observer, message, ...args);
  }

  toString(): string {
    return `${label(this.observer)}.${this.#name}()`;
  }
}

class Route {
  /** The handlers that the message goes to, unless they must be looked up again. */
  handlers: readonly Handler[] | undefined;
  readonly #sender: Sender;
  readonly #reserved: object;
  readonly #verb: Verb;
  readonly #message: string;
  readonly #name: string | undefined;
  readonly #remembers: boolean;
  /**
   * The handlers, if the message goes to observers of one name only, and how many renamings there
   * had been then.
   */
  #named: readonly Handler[] | undefined;
  #renamings = 0;

  constructor(
    sender: Sender,
    reserved: object,
    verb: Verb,
    message: string,
    name: string | undefined,
    remembers: boolean,
  ) {
    this.#sender = sender;
    this.#reserved = reserved;
    this.#verb = verb;
    this.#message = message;
    this.#name = name;
    this.#remembers = remembers;
  }

  get observers(): readonly object[] {
    const { observers } = this.#sender;
    return this.#name === undefined
      ? observers
      : observers.filter((observer) =>
        (observer as { observableName?: unknown }).observableName === this.#name
      );
  }

  find(): readonly Handler[] {
    if (this.#named !== undefined && this.#renamings === renamings) return this.#named;
    const handlers: Handler[] = [];
    for (const observer of this.observers) {
      const handler = this.handler(observer);
      if (handler !== undefined) handlers.push(handler);
    }
    if (!this.#remembers) return handlers;
    if (this.#name === undefined) this.handlers = handlers;
    else {
      this.#named = handlers;
      this.#renamings = renamings;
    }
    return handlers;
  }

  forget(): void {
    this.handlers = undefined;
    this.#named = undefined;
  }

  handler(observer: object): Handler | undefined {
    const message = this.#message;
    const method = this.#method(observer, message);
    if (method !== undefined) return new Handler(observer, message, method);
    // `once` reaches every component by itself, so no component needs to pass it on.
    if (this.#verb === "once") return undefined;
    for (const name of [`${this.#verb}_unknown`, "unknown"]) {
      const unknown = this.#method(observer, name);
      if (unknown !== undefined) return new Handler(observer, name, unknown, message);
    }
    return undefined;
  }

  #method(observer: object, name: string): Method | undefined {
    const owner = ownerOf(observer, name);
    if (owner === this.#reserved || owner === Object.prototype) return undefined;
    if (name === "constructor" && owner !== observer) return undefined; // the class, as every object has one
    const value = (observer as Record<string, unknown>)[name];
    return typeof value === "function" ? value as Method : undefined;
  }

  /**
   * Whether the error says that this observer does not answer. An observer that passes messages on
   * (by `any_unknown`, say) does not answer if nobody behind it does.
   */
  declines(handler: Handler, error: unknown): boolean {
    return error instanceof DeclineMessage ||
      (handler.viaUnknown && error instanceof NoneOfTheObserversRespond &&
        error.unansweredMessage === this.#message);
  }

  /** Checks that a handler gave a coroutine. */
  coroutine(handler: Handler, result: unknown): Coroutine {
    if (isCoroutine(result)) return result;
    throw cleaned(
      new TypeError(
        `Cannot dispatch ${this}: ${handler} must give a coroutine, not ${described(result)}; ` +
          "make it a generator method (*), or send the message with do or call",
      ),
    );
  }

  /**
   * Gives what to throw for an error of a plain method. EndOfStream is replaced, because it would
   * quietly end the coroutine that sent the message.
   */
  leaked(handler: Handler, error: unknown): unknown {
    if (!(error instanceof EndOfStream)) return cleaned(error);
    return cleaned(
      new Error(
        `Cannot dispatch ${this}: ${handler} let EndOfStream out, which only a coroutine may; catch it there`,
        { cause: error },
      ),
    );
  }

  /** The error for a result that nobody would get. */
  superfluous(handler: Handler, result: unknown): TypeError {
    return new TypeError(
      `Cannot dispatch ${this}: ${handler} must return nothing, not ${described(result)}; ` +
        `to get an answer send the message with ${
          this.#verb === "do" && !isCoroutine(result) ? "call" : "any"
        }`,
    );
  }

  none(): NoneOfTheObserversRespond {
    return new NoneOfTheObserversRespond(
      this.#verb,
      this.#message,
      label(this.#sender),
      this.observers.length,
    );
  }

  /** Every component that can be reached, each once and before those behind it. */
  graph(): object[] {
    const reached = new Set<object>();
    const visit = (observers: readonly object[]) => {
      for (const observer of observers) {
        if (reached.has(observer)) continue;
        reached.add(observer);
        visit(observersOf(observer));
      }
    };
    visit(this.observers);
    return [...reached];
  }

  toString(): string {
    return `${this.#verb}.${this.#message}()`;
  }
}

/** The object in the prototype chain that has a property of this name. */
function ownerOf(object: object, name: string): object | null {
  let owner: object | null = object;
  while (owner !== null && !Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner);
  return owner;
}

function described(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (isCoroutine(value)) return "a coroutine";
  if (value instanceof Promise) return "a Promise";
  return `${typeof value} (${describe(value).slice(0, 60)})`;
}

/*
 * The verbs. Each has a function of its own that calls the handlers with the rest arguments as they
 * are. So V8 can inline it, and a `do` costs a few nanoseconds more than the call itself.
 */

function sendDo(route: Route): Method {
  return (...args) => {
    const handlers = route.handlers ?? route.find();
    for (let i = 0; i < handlers.length; i++) {
      const handler = handlers[i]!;
      let result: unknown;
      try {
        result = handler.method.apply(handler.observer, args);
      } catch (error) {
        if (route.declines(handler, error)) continue;
        throw route.leaked(handler, error);
      }
      if (result !== undefined) throw cleaned(route.superfluous(handler, result));
    }
  };
}

function sendCall(route: Route): Method {
  return (...args) => {
    const handlers = route.handlers ?? route.find();
    for (let i = 0; i < handlers.length; i++) {
      const handler = handlers[i]!;
      try {
        return handler.method.apply(handler.observer, args);
      } catch (error) {
        if (!route.declines(handler, error)) throw route.leaked(handler, error);
      }
    }
    throw cleaned(route.none());
  };
}

function* all(route: Route, args: unknown[]): Coroutine<void> {
  const handlers = route.handlers ?? route.find();
  for (let i = 0; i < handlers.length; i++) {
    const handler = handlers[i]!;
    const coroutine = started(route, handler, args);
    if (coroutine === undefined) continue;
    let result: unknown;
    try {
      result = yield coroutine;
    } catch (error) {
      if (route.declines(handler, error)) continue;
      throw cleaned(error);
    }
    if (result !== undefined) throw cleaned(route.superfluous(handler, result));
  }
}

function* any(route: Route, args: unknown[]): Coroutine {
  const handlers = route.handlers ?? route.find();
  for (let i = 0; i < handlers.length; i++) {
    const handler = handlers[i]!;
    const coroutine = started(route, handler, args);
    if (coroutine === undefined) continue;
    try {
      return yield coroutine;
    } catch (error) {
      if (!route.declines(handler, error)) throw cleaned(error);
    }
  }
  throw cleaned(route.none());
}

function* once(route: Route, args: unknown[]): Coroutine<void> {
  for (const component of route.graph()) {
    const handler = route.handler(component);
    if (handler === undefined) continue;
    let result: unknown;
    try {
      result = handler.method.apply(handler.observer, args);
    } catch (error) {
      if (route.declines(handler, error)) continue;
      throw route.leaked(handler, error);
    }
    if (isCoroutine(result)) {
      try {
        result = yield result;
      } catch (error) {
        if (route.declines(handler, error)) continue;
        throw cleaned(error);
      }
    }
    if (result !== undefined) throw cleaned(route.superfluous(handler, result));
  }
}

/** The handler's coroutine, or `undefined` if it declines. */
function started(route: Route, handler: Handler, args: unknown[]): Coroutine | undefined {
  let result: unknown;
  try {
    result = handler.method.apply(handler.observer, args);
  } catch (error) {
    if (route.declines(handler, error)) return undefined;
    throw route.leaked(handler, error);
  }
  return route.coroutine(handler, result);
}

machinery(import.meta.url, all, any, once);

const SENDING: Record<Verb, (route: Route) => Method> = {
  all: (route) => (...args) => all(route, args),
  any: (route) => (...args) => any(route, args),
  do: sendDo,
  call: sendCall,
  once: (route) => (...args) => once(route, args),
};

/** All that one verb of one observable remembers. */
export class Dispatcher {
  /** What `this.do` is. */
  readonly messages: Dispatch;
  readonly #sender: Sender;
  readonly #verb: Verb;
  readonly #reserved: object;
  readonly #routes: Route[] = [];
  readonly #behind: object;
  /** The names of observers, by the functions that are dispatch objects for them. */
  readonly #names = new WeakMap<object, string>();

  /**
   * @param sender The component that sends.
   * @param verb How it sends.
   * @param reserved Methods of this object are machinery and handle no messages.
   */
  constructor(sender: Sender, verb: Verb, reserved: object) {
    this.#sender = sender;
    this.#verb = verb;
    this.#reserved = reserved;
    this.#behind = new Proxy(Object.create(null), {
      get: (_, message, self) => {
        if (typeof message === "symbol") return undefined;
        const send = this.#sending(message, self, this.#names.get(self));
        if (this.#routes.length < MAX_ROUTES) {
          Object.defineProperty(self, message, { value: send, configurable: true });
        }
        return send;
      },
    });
    this.messages = Object.create(this.#behind);
  }

  #sending(message: string, self: Dispatch, name: string | undefined): Method {
    if (message === "unknown") return (message: string, ...args) => self[message]!(...args);
    const remembers = this.#routes.length < MAX_ROUTES;
    const route = new Route(this.#sender, this.#reserved, this.#verb, message, name, remembers);
    if (remembers) this.#routes.push(route);
    const send = SENDING[this.#verb](route);
    if (name === undefined) {
      this.#names.set(send, message);
      Reflect.deleteProperty(send, "name");
      Reflect.deleteProperty(send, "length");
      Object.setPrototypeOf(send, this.#behind);
    }
    return send;
  }

  /** To be called when the observers have changed. */
  forget(): void {
    for (const route of this.#routes) route.forget();
  }
}
