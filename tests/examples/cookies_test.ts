/** The example cookies.ts: a store of cookies for the client. */
import { assertEquals } from "@std/assert";
import { getCookies, setCookie } from "@std/http/cookie";
import { FakeTime } from "@std/testing/time";
import fc from "fast-check";
import * as tough from "npm:tough-cookie@^6";
import { CookieJar } from "../../examples/cookies.ts";
import { hostname } from "../_sockets.ts";
import { runExample } from "./_server.ts";

Deno.test("CookieJar sends what it has been given to whom tough-cookie does", () => {
  const urls = fc.tuple(
    fc.constantFrom("https", "http"),
    fc.constantFrom("shop.com", "www.shop.com", "a.www.shop.com", "wshop.com", "10.0.0.1"),
    fc.constantFrom("/", "/a", "/a/", "/a/b", "/ab", "/a/b/c"),
  ).map(([scheme, host, path]) => new URL(`${scheme}://${host}${path}`));
  const set = fc.tuple(
    fc.constantFrom("n=1", "n=2", "m=3", "n=", "=v", "="),
    fc.constantFrom(
      "",
      "; Domain=shop.com",
      "; domain=.Shop.com",
      "; Domain=com",
      "; Domain=0.0.1",
    ),
    fc.constantFrom("", "; Path=/a", "; Path=/a/", "; path=a", "; Path=/"),
    fc.constantFrom("", "; Secure"),
    fc.constantFrom(
      "",
      "; Max-Age=0",
      "; Max-Age=60",
      "; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
      "; Max-Age=60; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
      "; Expires=never",
    ),
    fc.constantFrom("", "; HttpOnly; SameSite=Lax"),
  ).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(fc.tuple(urls, set), { maxLength: 6 }), urls, (sets, url) => {
      using time = new FakeTime();
      const jar = new CookieJar(), other = new tough.CookieJar();
      for (const [from, value] of sets) {
        jar.set(from, [value]);
        other.setCookieSync(value, from.href, { ignoreError: true });
        time.tick(1000);
      }
      const both = () => [jar.get(url) ?? "", other.getCookieStringSync(url.href)];
      const [ours, theirs] = both();
      assertEquals(ours, theirs);
      time.tick(60_000);
      const [later, theirsLater] = both();
      assertEquals(later, theirsLater);
    }),
    { seed: 6265, numRuns: 1000 },
  );
});

Deno.test("CookieJar forgets the oldest cookies when a server sets too many", () => {
  const jar = new CookieJar(), url = new URL("http://localhost/");
  for (let i = 0; i <= 1000; i++) jar.set(url, [`n${i}=1`]);
  const kept = jar.get(url)!.split("; ");
  assertEquals([kept.length, kept[0], kept.at(-1)], [1000, "n1=1", "n1000=1"]);
});

Deno.test("cookies.ts is logged in after the login, and no more after the logout", async () => {
  await using server = Deno.serve({ hostname, port: 0, onListen() {} }, ({ url, headers }) => {
    const { pathname } = new URL(url);
    if (pathname === "/") return new Response(getCookies(headers).user ?? "Who are you?");
    const answer = new Response(null, { status: 303, headers: { location: "/" } });
    const isLogin = pathname === "/login";
    setCookie(answer.headers, { name: "user", value: "Ada", path: "/", maxAge: isLogin ? 60 : 0 });
    return answer;
  });
  const url = `http://${hostname}:${server.addr.port}`;
  const args = [url, `${url}/login`, url, `${url}/logout`];
  const { code, stdout, stderr } = await runExample("cookies.ts", args);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.replaceAll(url, "").trim().split("\n"), [
    ...["200 /: 12 bytes", "  cookies: none"],
    ...["200 /: 3 bytes", "  cookies: user=Ada"],
    ...["200 /: 3 bytes", "  cookies: user=Ada"],
    ...["200 /: 12 bytes", "  cookies: none"],
  ]);
});
