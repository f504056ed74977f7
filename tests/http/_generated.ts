/** Requests without end: what is well-formed and what is not, changed and put together at random. */
import { corpus } from "./_corpus.ts";
import { malformed } from "./_malformed.ts";

/** Bytes and words that mean something to a parser. */
const MEANINGFUL = [
  ...'\r\n \t:;,?/%[]01aG"=\\\0\x7f\xe9',
  "\r\n",
  "\r\n\r\n",
  "\r\n ",
  "chunked",
  "0\r\n\r\n",
  "HTTP/1.1",
  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Expect: 100-continue\r\n",
  "Host: y\r\n",
];

const WELL_FORMED = corpus.map(({ text }) => text);
const MALFORMED = malformed.map(([text]) => text).filter((text) => text.length < 500);

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function* generated(seed: number): Generator<string, never> {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const one = <T>(of: readonly T[]) => of[below(of.length)]!;
  const any = () => one(random() < 0.8 ? WELL_FORMED : MALFORMED);
  const lines = (text: string) => text.split(/(?<=\n)/);

  const change = (text: string): string => {
    const at = below(text.length + 1);
    const to = Math.min(text.length, at + 1 + below(4));
    switch (below(7)) {
      case 0:
        return text.slice(0, at) + text.slice(to);
      case 1:
        return text.slice(0, at) + one(MEANINGFUL) + text.slice(at);
      case 2:
        return text.slice(0, at) + one(MEANINGFUL) + text.slice(to);
      case 3:
        return text.slice(0, to) + text.slice(at);
      case 4: {
        // A line of another request, or the same line again.
        const all = lines(text);
        all.splice(below(all.length + 1), below(2), one(lines(random() < 0.5 ? text : any())));
        return all.join("");
      }
      case 5: {
        const byte = String.fromCharCode(below(256));
        return text.slice(0, at) + byte + text.slice(at + 1);
      }
      default: {
        const other = any();
        return text.slice(0, at) + other.slice(below(other.length));
      }
    }
  };

  for (;;) {
    let text = any();
    if (random() < 0.3) text += any();
    for (let n = below(4); n > 0; n--) text = change(text);
    yield text;
  }
}
