import { type Weighted, weighted } from "./_weighted.ts";

/*
 * How well an element of the list fits an offer; 0 if it does not. The best fit decides about the
 * offer: RFC 9110 12.5.1: the most specific reference has precedence.
 */
type Fit<T> = (element: Weighted, offer: T) => number;

/** What an offer has got: its weight, and how well the element fits that gave it. */
interface Rank {
  weight: number;
  fit: number;
}

/**
 * Finds the content coding that a peer prefers, from its Accept-Encoding (RFC 9110 12.5.3).
 *
 * `"identity"` is acceptable unless the peer refuses it, and comes after all that the peer names.
 * Of equal ones, what is named goes before what `*` stands for, and then the earlier offer before
 * the later. Malformed elements are ignored.
 *
 * @param accepted The value of Accept-Encoding. If there is none, everything is acceptable, and
 * `"identity"` is preferred, since nothing is known of the peer. If it is empty, only `"identity"`
 * is.
 * @param offers What can be sent, the best first.
 * @returns One of the offers, or undefined if none is acceptable.
 *
 * @example Browsers, and others
 * ```ts
 * import { preferredEncoding } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const offers = ["br", "gzip", "identity"];
 * assertEquals(preferredEncoding("gzip, deflate, br", offers), "br");
 * assertEquals(preferredEncoding("gzip, br;q=0.5", offers), "gzip");
 * assertEquals(preferredEncoding("*;q=0.1, br;q=0", offers), "gzip");
 * assertEquals(preferredEncoding("compress", offers), "identity");
 * assertEquals(preferredEncoding("identity;q=0, compress", offers), undefined);
 * assertEquals(preferredEncoding(undefined, offers), "identity");
 * ```
 *
 * @category Content
 */
export function preferredEncoding<T extends string>(
  accepted: string | null | undefined,
  offers: readonly T[],
): T | undefined {
  if (accepted === undefined || accepted === null) {
    return offers.find((offer) => offer.toLowerCase() === "identity") ?? offers[0];
  }
  return best(
    weighted(accepted),
    offers,
    (offer) => {
      const name = offer.toLowerCase();
      return name === "x-gzip" ? "gzip" : name;
    },
    fitOfEncoding,
    (name) => name === "identity" ? IMPLIED : undefined,
  );
}

/** RFC 9110 12.5.3: identity is acceptable if nothing excludes it. No weight is as low as this. */
const IMPLIED: Rank = { weight: 0.0001, fit: 0 };

function fitOfEncoding({ name }: Weighted, offer: string): number {
  if (name === "*") return 1;
  return name === offer || name === "x-gzip" && offer === "gzip" ? 2 : 0;
}

/**
 * Finds the media type that a peer prefers, from its Accept (RFC 9110 12.5.1).
 *
 * The range that fits an offer best decides about it: a type with parameters goes before the type,
 * this before `type/*`, and this before `*` + `/*`. Of offers with equal weights, the one with the
 * better fit is preferred, and then the earlier one. Malformed elements are ignored.
 *
 * @param accepted The value of Accept. If there is none, or nothing valid in it, everything is
 * acceptable.
 * @param offers The media types that can be sent, the best first, perhaps with parameters.
 * @returns One of the offers, or undefined if none is acceptable.
 *
 * @example A page for browsers, and data for programs
 * ```ts
 * import { preferredType } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const offers = ["text/html; charset=utf-8", "application/json"];
 * assertEquals(preferredType("text/html,application/xml;q=0.9,*" + "/*;q=0.8", offers), offers[0]);
 * assertEquals(preferredType("application/json, *" + "/*", offers), "application/json");
 * assertEquals(preferredType("text/*;q=0.3, application/*;q=0.7", offers), "application/json");
 * assertEquals(preferredType("image/png", offers), undefined);
 * ```
 *
 * @category Content
 */
export function preferredType<T extends string>(
  accepted: string | null | undefined,
  offers: readonly T[],
): T | undefined {
  const elements = weighted(accepted ?? "").filter(({ name }) =>
    name === "*" || name.includes("/")
  );
  if (elements.length === 0) return offers[0];
  return best(elements, offers, (offer) => weighted(offer)[0], fitOfType);
}

function fitOfType({ name, parameters }: Weighted, offer: Weighted | undefined): number {
  if (offer === undefined) return 0;
  if (name === "*/*" || name === "*") return 1; // some send the latter
  if (name !== offer.name) {
    const isOfType = name.endsWith("/*") && offer.name.startsWith(name.slice(0, -1));
    return isOfType ? 2 : 0;
  }
  for (const [key, value] of parameters) if (offer.parameters.get(key) !== value) return 0;
  return 3 + parameters.size;
}

/**
 * Finds the language that a peer prefers, from its Accept-Language (RFC 9110 12.5.4).
 *
 * A range fits a language that is equal or more special: `en` fits `en-GB` (RFC 4647 3.3.1). If
 * there is no such language, it fits one that is more general: `en-GB` fits `en` (RFC 4647 3.4). A
 * longer range goes before a shorter one, and this before `*`. Malformed elements are ignored.
 *
 * @param accepted The value of Accept-Language. If there is none, or nothing valid in it,
 * everything is acceptable.
 * @param offers The languages that can be sent, the best first.
 * @returns One of the offers, or undefined if none is acceptable; then the first of them is better
 * than nothing.
 *
 * @example The language of a page
 * ```ts
 * import { preferredLanguage } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const offers = ["en", "de", "pt-BR"];
 * assertEquals(preferredLanguage("de-CH, fr;q=0.9, en;q=0.8", offers), "de");
 * assertEquals(preferredLanguage("pt;q=0.9, en;q=0.8", offers), "pt-BR");
 * assertEquals(preferredLanguage("nl, *;q=0.1", offers), "en");
 * assertEquals(preferredLanguage("nl", offers), undefined);
 * ```
 *
 * @category Content
 */
export function preferredLanguage<T extends string>(
  accepted: string | null | undefined,
  offers: readonly T[],
): T | undefined {
  const elements = weighted(accepted ?? "").filter(({ name }) => !name.includes("/"));
  if (elements.length === 0) return offers[0];
  return best(elements, offers, (offer) => offer.toLowerCase(), fitOfLanguage);
}

/** A range of any length that fits goes before all that are only more special than the offer. */
const EXACT = 1_000_000;

function fitOfLanguage({ name, weight }: Weighted, offer: string): number {
  if (name === "*") return 1;
  if (name === offer) return 2 * EXACT + name.length;
  if (offer.startsWith(`${name}-`)) return EXACT + name.length;
  // Who refuses a special one does not refuse the general one.
  return weight > 0 && name.startsWith(`${offer}-`) ? 1 + offer.length : 0;
}

/** Finds the offer that ranks highest. */
function best<T extends string, O>(
  elements: readonly Weighted[],
  offers: readonly T[],
  read: (offer: T) => O,
  fitOf: Fit<O>,
  implied: (offer: O) => Rank | undefined = () => undefined,
): T | undefined {
  let found: T | undefined;
  let highest: Rank = { weight: 0, fit: 0 };
  for (const offer of offers) {
    const readOffer = read(offer);
    let rank: Rank | undefined;
    for (const element of elements) {
      const fit = fitOf(element, readOffer);
      if (fit === 0 || rank !== undefined && fit < rank.fit) continue;
      // Of two that say something of the same thing, the friendlier one counts.
      if (rank !== undefined && fit === rank.fit && element.weight <= rank.weight) continue;
      rank = { weight: element.weight, fit };
    }
    rank ??= implied(readOffer);
    if (rank === undefined || rank.weight === 0) continue;
    if (rank.weight < highest.weight) continue;
    if (rank.weight === highest.weight && rank.fit <= highest.fit) continue;
    highest = rank;
    found = offer;
  }
  return found;
}
