/** An option that does not exist is an error that names it, wherever the user gives options. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { compose } from "../compose/mod.ts";
import { asProcess, connectTo, gio, iterate, memory, messages, Queue } from "../gio/mod.ts";
import {
  BasicAuthentication,
  compress,
  compressionFor,
  decodeWhole,
  decompress,
  Deproxy,
  EmptySocketPool,
  encodeWhole,
  events,
  form,
  getRequest,
  HttpClient,
  HttpProtocol,
  HttpReader,
  type HttpRequest,
  HttpServer,
  IpFilter,
  multipart,
  parseEvents,
  PathFilter,
  postRequest,
  ranged,
  rangesOf,
  serveHttp,
  Server,
  SocketPool,
} from "../http/mod.ts";
import { files, FileServer } from "../http/files/mod.ts";
import { decode, delimited, lines } from "../pipeline/mod.ts";
import {
  Acceptor,
  acceptTls,
  connect,
  DatagramAcceptor,
  DatagramSocket,
  fromStreams,
  Reactor,
  sendFile,
  splice,
  startTls,
  Suspend,
  TestClock,
} from "../reactor/mod.ts";
import { EXPORTS } from "./_exports.ts";
import { leakTest } from "./_leaks.ts";
import { listening } from "./_sockets.ts";

const WRONG = { optoin: 1 } as Record<never, never>;

function* nothing(): Generator<undefined, void> {}

const far = { read: () => Promise.resolve(null), close() {} };
const to = { write: (p: Uint8Array) => Promise.resolve(p.length) };
const at = { ...listening, ...WRONG };

/** What takes options of a type. A new one is entered here, or the test below fails. */
const TAKES: Record<string, ((reactor: Reactor, server: HttpServer, to: Server) => unknown)[]> = {
  // compose and pipeline
  ComposeOptions: [() => compose(nothing, WRONG), () => compose(nothing(), WRONG)],
  DecodeOptions: [() => decode(WRONG).next()],
  DelimitedOptions: [() => delimited(new Uint8Array(1), WRONG)],
  LinesOptions: [() => lines(WRONG)],
  // reactor
  AcceptTlsOptions: [(reactor) => acceptTls(reactor, reactor.adopt(far), WRONG as never)],
  AcceptorOptions: [(reactor) => new Acceptor(reactor, at, () => {})],
  ConnectOptions: [
    (reactor) => connect(reactor, { port: 1, ...WRONG }),
    () =>
      asProcess(function* () {
        yield* connectTo({ port: 1, ...WRONG });
      }()),
  ],
  DatagramOptions: [
    (reactor) => DatagramSocket.bind(reactor, WRONG),
    (reactor) => DatagramAcceptor.bind(reactor, WRONG, () => {}),
  ],
  ListeningOptions: [
    (reactor) => {
      using listener = Deno.listen(listening);
      reactor.listening(listener, WRONG);
    },
    (reactor) => reactor.adopt(far, WRONG),
  ],
  ReactorOptions: [
    () => new Reactor(WRONG),
    () => new Reactor({ events: { optoin() {} } as never }),
    (reactor) => reactor.run(WRONG),
  ],
  RegistrationOptions: [
    (reactor) => reactor.addReader(reactor.adopt(far), () => {}, WRONG),
    (reactor) => reactor.addWriter(reactor.adopt(far), () => {}, WRONG),
    (reactor) => reactor.addProcess(() => {}, WRONG),
  ],
  SendFileOptions: [() => sendFile(to, new URL(import.meta.url), WRONG)],
  SpliceBothOptions: [() => splice.both(memory() as never, memory() as never, WRONG)],
  SpliceOptions: [() => splice(far, to, WRONG), () => splice.tee(far, to, to, WRONG)],
  StreamPair: [() => fromStreams(WRONG)],
  SuspendOptions: [() => new Suspend(() => {}, WRONG)],
  TestClockOptions: [() => new TestClock(WRONG)],
  TlsOptions: [
    (reactor) => connect(reactor, { port: 1, tls: WRONG }),
    (reactor) => startTls(reactor, reactor.adopt(far), WRONG),
  ],
  // gio
  AsProcessOptions: [() => asProcess(nothing(), WRONG)],
  GioOptions: [(reactor) => gio(reactor, memory(), nothing(), WRONG)],
  IterateOptions: [() => iterate(nothing(), WRONG).next()],
  MessagesOptions: [() => messages(new MessageChannel().port1, WRONG)],
  QueueOptions: [() => new Queue(WRONG)],
  // http
  BasicAuthenticationOptions: [
    () => new BasicAuthentication({ realm: "x", check: () => true, ...WRONG }),
  ],
  CompressOptions: [() => compress("gzip", WRONG), () => encodeWhole("gzip", "text", WRONG)],
  CompressionOptions: [
    () => compressionFor({ status: 204 }, "gzip", WRONG),
    (reactor) => new HttpServer(reactor, { ...listening, handler: nothing, compression: WRONG }),
  ],
  DecompressOptions: [
    () => decompress("gzip", WRONG),
    () => decodeWhole("gzip", new Uint8Array(0), WRONG),
    (reactor) => new HttpServer(reactor, { ...listening, handler: nothing, decompression: WRONG }),
  ],
  DeproxyOptions: [() => new Deproxy({ trusted: [], ...WRONG })],
  EventsOptions: [() => events(WRONG)],
  FormLimits: [
    () => form("multipart/form-data; boundary=x", WRONG),
    () => multipart("multipart/mixed; boundary=x", WRONG),
    () => inHandler((request) => request.form(WRONG)),
    () => inHandler((request) => request.formData(WRONG).next()),
  ],
  ClientLimits: [() => new HttpClient({ limits: WRONG })],
  ClientTimeouts: [
    () => new HttpClient({ timeouts: WRONG }),
    () => new HttpClient().get("http://127.0.0.1/", { timeouts: WRONG }),
  ],
  HttpClientOptions: [
    () => new HttpClient(WRONG),
    () => new SocketPool(WRONG),
    () => new EmptySocketPool(WRONG),
  ],
  HttpLimits: [
    (_, server) => server.limits = WRONG,
    () => serveHttp(nothing, { limits: WRONG }),
  ],
  HttpProtocolOptions: [() => serveHttp(nothing, WRONG), () => new HttpProtocol(WRONG)],
  HttpServerOptions: [(reactor) => new HttpServer(reactor, { ...at, handler: nothing })],
  HttpTimeouts: [
    (_, server) => server.timeouts = WRONG,
    () => serveHttp(nothing, { timeouts: WRONG }),
    () => inHandler((request) => request.timeouts = WRONG),
  ],
  IpFilterOptions: [() => new IpFilter(WRONG)],
  ParseEventsOptions: [() => parseEvents(WRONG)],
  PathFilterOptions: [() => new PathFilter(["/"], WRONG)],
  RangedOptions: [() => ranged({ method: "GET", headers: new Headers() }, { size: 1 }, WRONG)],
  RangesOptions: [() => rangesOf("bytes=0-", 1, WRONG)],
  HttpReaderOptions: [
    () => asProcess(new HttpReader(new HttpClient(), "http://127.0.0.1/", WRONG).into(nothing())),
  ],
  OneRequestOptions: [
    () => getRequest(1, "/", WRONG),
    () => postRequest(1, "/", "", WRONG),
  ],
  RequestOptions: [() => new HttpClient().get("http://127.0.0.1/", WRONG)],
  ServerOptions: [(reactor) => new Server(reactor, at)],
  ShutdownOptions: [
    (_, server) => server.shutdown(WRONG),
    (_, __, server) => server.shutdown(WRONG),
  ],
  // http/files
  FilesOptions: [() => files(".", WRONG), () => new FileServer(".", WRONG)],
};

/** What these are is not ours to say: they are those of Deno, and those of an error. */
const OTHERS = ["SaveOptions", "SubprocessOptions", "EndOfStreamOptions"];
/** What others extend, and nobody takes. */
const PARTS = ["TransferOptions"];

function inHandler(act: (request: HttpRequest) => void): void {
  let thrown: unknown;
  const protocol = serveHttp(function* (request) {
    try {
      act(request);
    } catch (error) {
      thrown = error;
    }
  }, { onError() {} });
  protocol.next();
  const head =
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n";
  protocol.next(new TextEncoder().encode(head));
  if (thrown !== undefined) throw thrown;
}

const { compose: ofCompose, pipeline, reactor, gio: ofGio, http, "http/files": ofFiles } = EXPORTS;
const types = [ofCompose, pipeline, reactor, ofGio, http, ofFiles].flatMap(({ types }) =>
  Object.keys(types)
);

Deno.test("every public type of options is in the table of unknown options", () => {
  const all = types.filter((name) => /(Options|Limits|Timeouts|Pair)$/.test(name));
  const told = [...Object.keys(TAKES), ...OTHERS, ...PARTS];
  assertEquals([...new Set(all)].sort(), told.sort());
});

for (const [type, calls] of Object.entries(TAKES)) {
  leakTest(`an unknown option is an error that names it: ${type}`, async () => {
    using reactor = new Reactor({ selector: "deno" });
    using server = new HttpServer(reactor, { ...listening, handler: nothing });
    using component = new Server(reactor, listening);
    for (const call of calls) {
      const error = await assertRejects(async () => {
        await call(reactor, server, component);
      }, TypeError);
      assert(
        /: there is no option optoin(?: \(did you mean [a-z]+\?\))?; there are [a-z]/i.test(
          error.message,
        ),
        error.message,
      );
    }
  });
}

Deno.test("options that are no object are an error", () => {
  for (const options of [null, 5, "x"]) {
    assertThrows(() => new Reactor(options as never), TypeError, "give an object, not");
  }
});

Deno.test("an option that is misspelt is told the one that is meant", () => {
  using reactor = new Reactor();
  const meant: Record<string, string | undefined> = {
    onEror: "onError",
    onerror: "onError",
    accesLog: "accessLog",
    acessLog: "accessLog",
    errorhandler: "errorHandler",
    timeout: "timeouts",
    limit: "limits",
    host: "hostname",
    hostName: "hostname",
    prot: undefined,
    compresion: "compression",
    maxConections: "maxConnections",
    x: undefined,
    fetch: undefined,
    onListen: undefined,
  };
  for (const [name, one] of Object.entries(meant)) {
    const hint = one === undefined ? "" : ` (did you mean ${one}?)`;
    assertThrows(
      () => new HttpServer(reactor, { ...listening, handler: nothing, [name]: 1 }),
      TypeError,
      `there is no option ${name}${hint}; there are`,
    );
  }
});
