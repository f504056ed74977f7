/** The part of `@std/http/negotiation` that the tests use, over `negotiator`, of which it is a translation. */
import Negotiator from "npm:negotiator@^1";

function negotiator({ headers }: Pick<Request, "headers">): Negotiator {
  return new Negotiator({ headers: Object.fromEntries(headers) });
}

export function accepts<T extends string = string>(
  request: Pick<Request, "headers">,
  ...types: T[]
): T | undefined {
  return negotiator(request).mediaTypes(types)[0] as T | undefined;
}

export function acceptsEncodings<T extends string = string>(
  request: Pick<Request, "headers">,
  ...encodings: T[]
): T | undefined {
  return negotiator(request).encodings(encodings)[0] as T | undefined;
}

export function acceptsLanguages<T extends string = string>(
  request: Pick<Request, "headers">,
  ...langs: T[]
): T | undefined {
  return negotiator(request).languages(langs)[0] as T | undefined;
}
