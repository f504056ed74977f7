import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HttpHeaders, RemoteProtocolError } from "../../http/protocol/mod.ts";
import { bytes } from "./_drive.ts";

const of = (value: string, name = "content-disposition") =>
  new HttpHeaders(bytes(`${name}: ${value}\r\n`)).parameters(name);

const cases: [title: string, text: string, value: string, parameters: Record<string, string>][] = [
  ["no parameters", "attachment", "attachment", {}],
  ["a media type", "Text/HTML;Charset=UTF-8", "text/html", { charset: "UTF-8" }],
  ["names in any case", "Form-Data; NAME=a; FileName=B", "form-data", { name: "a", filename: "B" }],
  ["whitespace around semicolons", 'a \t;\t b=1 ; c="2"  ', "a", { b: "1", c: "2" }],
  ["empty parameters", "a;; ;b=1;", "a", { b: "1" }],
  ["a quoted string", 'a; b="c d;e=f, g"', "a", { b: "c d;e=f, g" }],
  ["an empty quoted string", 'a; b=""', "a", { b: "" }],
  ["escapes", 'a; b="c\\"d\\\\e"; f=g', "a", { b: 'c"d\\e', f: "g" }],
  ["a path of Windows", 'a; filename="C:\\dir\\file.txt"', "a", { filename: "C:\\dir\\file.txt" }],
  ["a share of Windows", 'a; filename="\\\\s\\d\\f"', "a", { filename: "\\s\\d\\f" }],
  ["a backslash at the end", 'a; name="b\\"', "a", { name: "b\\" }],
  ["two of them", 'a; name="b\\"; filename="c\\"', "a", { name: "b\\", filename: "c\\" }],
  ["bytes beyond ASCII", 'a; b="caf\xe9"', "a", { b: "caf\xe9" }],
  ["UTF-8 of RFC 8187", "a; b*=UTF-8''%e2%82%ac%20rates", "a", { b: "€ rates" }],
  ["its language", "a; b*=utf-8'en'x", "a", { b: "x" }],
  ["ISO-8859-1", "a; b*=iso-8859-1''caf%E9", "a", { b: "café" }],
  ["it is preferred, first", "a; filename*=UTF-8''%c3%a9; filename=e", "a", { filename: "é" }],
  ["it is preferred, last", "a; filename=e; filename*=UTF-8''%c3%a9", "a", { filename: "é" }],
  ["it may be quoted", "a; b*=\"UTF-8''c%20d\"", "a", { b: "c d" }],
  ["not UTF-8", "a; b=plain; b*=UTF-8''%ff", "a", { b: "plain" }],
  ["an unknown charset", "a; b=plain; b*=utf-7''x", "a", { b: "plain" }],
  ["no charset", "a; b=plain; b*=x", "a", { b: "plain" }],
  ["half an escape", "a; b=plain; b*=UTF-8''%4", "a", { b: "plain" }],
  ["only that", "a; b*=x", "a", {}],
  ["names of prototypes", "a; __proto__=b; constructor=c", "a", {
    ["__proto__"]: "b",
    constructor: "c",
  }],
];

for (const [title, text, value, parameters] of cases) {
  Deno.test(`HttpHeaders.parameters() reads ${title}`, () => {
    const read = of(text)!;
    assertEquals([read.value, [...read.parameters]], [value, Object.entries(parameters)]);
  });
}

Deno.test("HttpHeaders.parameters() of no line is undefined", () => {
  assertEquals(of("x")?.value, "x");
  assertEquals(new HttpHeaders(bytes("a: b\r\n")).parameters("c"), undefined);
});

Deno.test("HttpHeaders.parameters() refuses what is malformed, with 400", () => {
  const malformed = [
    "",
    ";",
    ";a=b",
    "a b",
    "a/",
    "/a",
    "a/b/c",
    "a, b",
    '"a"',
    "a; b",
    "a; b=",
    "a; =c",
    "a; b =c",
    "a; b= c",
    "a; b=c d",
    'a; b="c',
    'a; b="c"d',
    'a; b="c" d="e"',
    'a; b="c\\"x',
    "a; b=c=d",
    "a; b='c'; b=d",
    "a; b=c; B=d",
    "a; b*=UTF-8''c; b*=UTF-8''d",
    "a; b=c, a; b=c",
    "a; b=\xe9",
  ];
  for (const text of malformed) {
    const error = assertThrows(() => of(text), RemoteProtocolError, "content-disposition");
    assertEquals(error.status, 400, text);
  }
  const twice = new HttpHeaders(bytes("a: b\r\nA: b\r\n"));
  assertThrows(() => twice.parameters("a"), RemoteProtocolError);
});

Deno.test("HttpHeaders.parameters() reads what was written, and never anything but fails with 400", () => {
  const token = fc.string({ unit: fc.constantFrom(..."abcXYZ019-.!~"), minLength: 1 });
  const value = fc.string({ unit: fc.constantFrom(...'ab \t;=,"\\\xe9*') });
  const all = fc.uniqueArray(fc.tuple(token, value), { selector: ([name]) => name.toLowerCase() });
  fc.assert(fc.property(token, all, (first, all) => {
    const text = all.map(([name, value]) => `;${name}="${value.replace(/["\\]/g, "\\$&")}"`);
    const read = of(first + text.join(" "))!;
    assertEquals(read.value, first.toLowerCase());
    assertEquals(
      [...read.parameters],
      all.map(([name, value]) => [name.toLowerCase(), value]),
    );
  }));
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."ab/;=\"\\ *'%4") }), (text) => {
    try {
      of(text);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError && error.status === 400)) throw error;
    }
  }));
});

Deno.test("HttpHeaders.parameters() takes linear time", () => {
  for (const piece of ['"', "\\", '\\"', ";", "a", "a=b;", '"\\', "%", "'", " "]) {
    for (const start of ['a; b="', "a; b*=", "a; b*=UTF-8''", "", "a;"]) {
      try {
        of(start + piece.repeat(200_000 / piece.length));
      } catch (error) {
        if (!(error instanceof RemoteProtocolError)) throw error;
      }
    }
  }
});
