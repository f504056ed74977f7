/** Requests that are well-formed, in all their variety, and what a handler must see of them. */

export interface Seen {
  method: string;
  target: string;
  version: string;
  headers: [string, string][];
  body: string;
  trailers: [string, string][];
}

export interface Sample {
  name: string;
  text: string;
  seen: Seen;
  /** Whether the connection is closed after the answer. */
  last?: boolean;
}

const HOST: [string, string] = ["host", "x"];

function sample(name: string, text: string, seen: Partial<Seen>, last = false): Sample {
  return {
    name,
    text,
    last,
    seen: {
      method: "GET",
      target: "/",
      version: "1.1",
      headers: [HOST],
      body: "",
      trailers: [],
      ...seen,
    },
  };
}

const CHUNKED: [string, string] = ["transfer-encoding", "chunked"];

export const corpus: Sample[] = [
  sample("the smallest", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", {}),
  sample("a query", "GET /a/b%20c?d=e&f={g|h}[i]^`~ HTTP/1.1\r\nHost: x\r\n\r\n", {
    target: "/a/b%20c?d=e&f={g|h}[i]^`~",
  }),
  sample("an empty line before it", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", {}),
  sample("HEAD", "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n", { method: "HEAD", target: "/x" }),
  sample("a method nobody knows", "M-SEARCH * HTTP/1.1\r\nHost: x\r\n\r\n".replace("*", "/"), {
    method: "M-SEARCH",
  }),
  sample("a method is case-sensitive", "get / HTTP/1.1\r\nHost: x\r\n\r\n", { method: "get" }),
  sample("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", { method: "OPTIONS", target: "*" }),
  sample("absolute-form", "GET http://y:80/p?q HTTP/1.1\r\nHost: x\r\n\r\n", {
    target: "http://y:80/p?q",
  }),
  sample("absolute-form without a path", "GET http://y HTTP/1.1\r\nHost: x\r\n\r\n", {
    target: "http://y",
  }),
  sample("CONNECT", "CONNECT y:443 HTTP/1.1\r\nHost: y:443\r\n\r\n", {
    method: "CONNECT",
    target: "y:443",
    headers: [["host", "y:443"]],
  }),
  sample("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", { headers: [["host", ""]] }),
  sample("an IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", {
    headers: [["host", "[::1]:8000"]],
  }),
  sample("a later minor version", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", {}),
  sample(
    "headers of many kinds",
    "GET / HTTP/1.1\r\nHOST: x\r\nA:b\r\nc: \t d e\tf \t \r\nEmpty:\r\nempty2:  \r\n" +
      "!#$%&'*+-.^_`|~09aZ: all\r\nLatin: caf\xe9\x80\xff\r\na: again\r\n\r\n",
    {
      headers: [
        HOST,
        ["a", "b"],
        ["c", "d e\tf"],
        ["empty", ""],
        ["empty2", ""],
        ["!#$%&'*+-.^_`|~09az", "all"],
        ["latin", "caf\xe9\x80\xff"],
        ["a", "again"],
      ],
    },
  ),
  sample(
    "names as long as those that matter",
    "GET / HTTP/1.1\r\nHost: x\r\nhosu: 1\r\nexpecu: 2\r\nconnectiom: close\r\n" +
      "content-lengti: x\r\ntransfer-encodinh: gzip\r\n\r\n",
    {
      headers: [
        HOST,
        ["hosu", "1"],
        ["expecu", "2"],
        ["connectiom", "close"],
        ["content-lengti", "x"],
        ["transfer-encodinh", "gzip"],
      ],
    },
  ),
  sample(
    "Content-Length",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\nHello\r\n\0\xff!\r\n",
    {
      method: "POST",
      headers: [HOST, ["content-length", "12"]],
      body: "Hello\r\n\0\xff!\r\n",
    },
  ),
  sample("Content-Length: 0", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", {
    method: "PUT",
    headers: [HOST, ["content-length", "0"]],
  }),
  sample(
    "the same Content-Length more than once",
    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc",
    {
      method: "PUT",
      headers: [HOST, ["content-length", "3, 3"], ["content-length", "3"]],
      body: "abc",
    },
  ),
  sample(
    "a body of GET that looks like a request",
    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    { headers: [HOST, ["content-length", "18"]], body: "GET / HTTP/1.1\r\n\r\n" },
  ),
  sample(
    "chunked",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n1\r\n \r\n6\r\nWorld!\r\n0\r\n\r\n",
    { method: "POST", headers: [HOST, CHUNKED], body: "Hello World!" },
  ),
  sample(
    "chunked, empty",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    {
      method: "POST",
      headers: [HOST, CHUNKED],
    },
  ),
  sample(
    "chunked, with sizes in hexadecimal and zeros before and after",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n00a\r\n0123456789\r\nA\r\nabcdefghij\r\n000\r\n\r\n",
    { method: "POST", headers: [HOST, CHUNKED], body: "0123456789abcdefghij" },
  ),
  sample(
    "chunked, with extensions",
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nHe\r\n3 ;\tc = "d;\\"e"\r\nllo\r\n0;last\r\n\r\n',
    { method: "POST", headers: [HOST, CHUNKED], body: "Hello" },
  ),
  sample(
    "chunked, with trailers",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nDigest: abc\r\nX: \r\n\r\n",
    {
      method: "POST",
      headers: [HOST, CHUNKED],
      body: "ok",
      trailers: [["digest", "abc"], ["x", ""]],
    },
  ),
  sample(
    "chunked in another case, with an empty element",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ,ChunKed\r\n\r\n1\r\n1\r\n0\r\n\r\n",
    { method: "POST", headers: [HOST, ["transfer-encoding", ",ChunKed"]], body: "1" },
  ),
  sample("close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n", {
    headers: [HOST, ["connection", "foo, Close"]],
  }, true),
  sample("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", { version: "1.0", headers: [] }, true),
  sample("HTTP/1.0 kept alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {
    version: "1.0",
    headers: [["connection", "keep-alive"]],
  }),
  sample(
    "HTTP/1.0 that expects",
    "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n1",
    {
      version: "1.0",
      method: "POST",
      headers: [["expect", "100-continue"], ["content-length", "1"]],
      body: "1",
    },
    true,
  ),
];
