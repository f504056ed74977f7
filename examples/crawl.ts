/**
 * Crawls a site: prints the status and the size of each page that is linked, and at the end the links that are broken. It is
 * polite: it asks a host only now and then, and respects robots.txt.
 *
 *     deno run --allow-net examples/crawl.ts [--depth 3] [--at-once 8] [--delay 100] [--all-hosts] URL
 *
 * `--delay` is the time between two requests to the same host, in milliseconds. With `--all-hosts` it goes to other origins too.
 * The exit code is 1 if a link is broken.
 */
import { call, type Coroutine } from "@weightless/io/compose";
import { asProcess, type Gio, sleep, spawn } from "@weightless/io/gio";
import { HttpClient } from "@weightless/io/http";
import { number, urlsAndOptions } from "./_cli.ts";

const AGENT = "weightless-crawl";
const usage = "crawl.ts [--depth 3] [--at-once 8] [--delay 100] [--all-hosts] URL…";
const given = urlsAndOptions(usage, {
  depth: "3",
  "at-once": "8",
  delay: "100",
  "all-hosts": false,
});
const maxDepth = number("depth", given.depth, 0, 1000);
const maxConnections = number("at-once", given["at-once"], 1, 1000);
const delayMs = number("delay", given.delay, 0, 3_600_000);

// Requests wait for a connection when there are so many: that limits how many there are at once.
using client = new HttpClient({
  maxConnections,
  redirect: "manual", // A redirection is one more link.
  headers: { "user-agent": AGENT },
  timeouts: { headMs: 10_000, bodyMs: 10_000 },
});

/** An origin, how its robots.txt is being read, and when it may be asked again. */
class Origin {
  robots: Gio<Rule[]> | undefined;
  #next = 0;

  /** Waits until it may be asked. */
  *turn(): Coroutine<void> {
    const now = performance.now();
    const at = Math.max(now, this.#next);
    this.#next = at + delayMs;
    if (at > now) yield* sleep(at - now);
  }
}

const origins = new Map<string, Origin>();

/** A line of robots.txt, for the path of which it counts (RFC 9309). */
interface Rule {
  allows: boolean;
  prefix: string;
}

function* readRobots(origin: Origin, url: URL): Coroutine<Rule[]> {
  try {
    yield* origin.turn();
    const response = yield* client.get(new URL("/robots.txt", url), { redirect: "follow" });
    if (response.status < 300) return rulesOf(yield* call(response.text(512 * 1024)));
    response.close();
    // RFC 9309 2.3.1: there are no rules, or the server cannot tell them now.
    return response.status < 500 ? [] : [{ allows: false, prefix: "/" }];
  } catch {
    return []; // The page itself will fail in the same way.
  }
}

/** The rules for this crawler, or else those for all. Patterns with `*` and `$` are not understood. */
function rulesOf(robots: string): Rule[] {
  const rules = new Map<string, Rule[]>();
  let agents: string[] = [];
  let isHeaded = false;
  for (const line of robots.split(/\r\n?|\n/)) {
    const [, field, value] = /^\s*(user-agent|allow|disallow)\s*:\s*([^\s#]*)/i.exec(line) ?? [];
    if (field === undefined) continue;
    if (field.toLowerCase() === "user-agent") {
      if (isHeaded) agents = [];
      isHeaded = false;
      agents.push(value!.toLowerCase());
      continue;
    }
    isHeaded = true;
    const rule = { allows: field.toLowerCase() === "allow", prefix: value! };
    for (const agent of agents) rules.set(agent, [...rules.get(agent) ?? [], rule]);
  }
  return rules.get(AGENT) ?? rules.get("*") ?? [];
}

/** RFC 9309 2.2.2: the longest rule counts, and of two the one that allows. */
function isAllowed({ pathname, search }: URL, rules: Rule[]): boolean {
  const matching = rules.filter(({ prefix }) =>
    prefix !== "" && (pathname + search).startsWith(prefix)
  );
  matching.sort((a, b) => b.prefix.length - a.prefix.length || Number(b.allows) - Number(a.allows));
  return matching[0]?.allows ?? true;
}

/** A page, and where a link to it was found first. */
interface Page {
  url: URL;
  from: string;
}

/** Visits a page, and gives what it links to. */
function* visit({ url, from }: Page): Coroutine<URL[]> {
  let origin = origins.get(url.origin);
  if (origin === undefined) origins.set(url.origin, origin = new Origin());
  origin.robots ??= yield* spawn(readRobots(origin, url));
  if (!isAllowed(url, yield* origin.robots)) {
    console.log(`robots            ${url.href}`);
    return [];
  }
  yield* origin.turn();
  try {
    const response = yield* client.get(url);
    const { status, headers } = response;
    const isPage = /^text\/html\b/i.test(headers.get("content-type") ?? "");
    const text = isPage ? yield* call(response.text()) : "";
    if (!isPage) response.close();
    const size = isPage ? text.length : headers.get("content-length") ?? "?";
    console.log(`${status} ${String(size).padStart(12)}  ${url.href}`);
    if (status >= 400) broken.push(`${status} ${url.href} from ${from}`);
    const links = [
      ...text.matchAll(/<(?:a|area)\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi),
    ]
      .map(([, double, single, bare]) => (double ?? single ?? bare)!.replaceAll("&amp;", "&"));
    const location = status >= 300 && status < 400 ? headers.get("location") : undefined;
    if (location !== undefined) links.push(location);
    return links.flatMap((link) => URL.parse(link, url) ?? []);
  } catch (error) {
    console.log(`failed            ${url.href}`);
    broken.push(`${url.href} from ${from}: ${(error as Error).message}`);
    return [];
  }
}

const broken: string[] = [];
const seen = new Set<string>();

/** What is to be visited of some links. */
function* unseen(links: URL[], from: string): Generator<Page> {
  for (const link of links) {
    link.hash = "";
    if (!/^https?:$/.test(link.protocol) || seen.has(link.href)) continue;
    if (!given["all-hosts"] && !given.urls.some(({ origin }) => origin === link.origin)) continue;
    seen.add(link.href);
    yield { url: link, from };
  }
}

const count = await asProcess(function* () {
  let pages = [...unseen(given.urls, "the command line")];
  let count = 0;
  for (let depth = 0; depth <= maxDepth && pages.length > 0; depth++) {
    const visits: [Page, Gio<URL[]>][] = [];
    for (const page of pages) visits.push([page, yield* spawn(visit(page))]);
    count += pages.length;
    pages = [];
    for (const [{ url }, links] of visits) pages.push(...unseen(yield* links, url.href));
  }
  return count;
}());
for (const link of broken) console.log(`Broken: ${link}`);
console.log(`${count} links, ${broken.length} broken`);
Deno.exitCode = broken.length > 0 ? 1 : 0;
