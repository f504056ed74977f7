import { assertEquals } from "@std/assert";

/** All public names. Who adds or removes one does it here and in the CHANGELOG. */
const EXPORTS = {
  compose: {
    values: `
      Composed EndOfStream Local Request Yield asBytes asList asString autostart call compose
      consume copyBytes identify isCoroutine isRequest pushBack readAll readExactly readLine
      readRe readUntil retval trace`,
    types: `
      Call ComposeOptions Coroutine EndOfStreamOptions Waiter`,
  },
  pipeline: {
    values: `
      DeclineMessage NoneOfTheObserversRespond Observable Pipe Transparent batch be decode
      delimited encode filter flatMap fromIterable join lines map pipe printTree skip take tee
      toDot toMermaid toReadableStream toTransformStream`,
    types: `
      AllOf AnyOf CallOf DecodeOptions DelimitedOptions DoOf LinesOptions OnceOf Stage Strand`,
  },
  reactor: {
    values: `
      Acceptor DatagramAcceptor DatagramSocket Reactor Suspend TestClock TransferError connect
      fromStreams here listenDescriptors sendFile splice startTls stdio subprocess zeroCopy`,
    types: `
      AcceptorOptions ByteStream Clock ConnectOptions Cut Datagram DatagramOptions Handle
      Inspected Interest KernelPipe Listening ListeningOptions Process ReactorEvents
      ReactorOptions Reads Receiver RegistrationOptions Selectable SelectorName SendFileOptions
      Sender ShutdownHook Socket Splice SpliceBothOptions SpliceOptions StreamPair Subprocess
      SubprocessOptions SuspendOptions TestClockOptions Timer TlsOptions Transfer
      TransferOptions TransferPeer TransferSide TransferSource TransferTarget Transferred
      TransferredBothWays Waiting Writes ZeroCopy`,
  },
  gio: {
    values: `
      EndOfStream Request Suspend TimeoutError all asProcess connectTo currentGio datagrams
      enter gio iterate memory open race shield sleep spawn timeout wait`,
    types: `
      AsProcessOptions Branch BranchResult Context Coroutine Gio GioOptions IterateOptions
      MemoryContext Opened OutgoingDatagram SuspendOptions Timeout Waiter`,
  },
  http: {
    values: `
      ApacheLogger BasicAuthentication EndOfStream HttpHeaders HttpProtocol HttpRequest
      HttpServer IpFilter LocalProtocolError PathFilter PathRename RemoteProtocolError Server
      combinedLog commonLog compress compressionFor conditional decodeWhole decompress
      defaultLimits defaultTimeouts encodeWhole etagOf eventStream events fetchHandler form
      jsonLog knownUsers lastEventId methodNotAllowed multipart ok parseEvents preferredEncoding
      preferredLanguage preferredType ranged rangesOf raw response serveHttp trailers weakEtag`,
    types: `
      AcceptorOptions AccessLog AccessLogEntry Answered BasicAuthenticationOptions ByteRange CompressOptions
      CompressibleResponse Compression CompressionOptions ConditionalRequest ConnectionInfo
      ContentCoding Coroutine DecompressOptions EventToSend EventsOptions FetchHandler FetchInfo
      FormLimits HeaderParameters HeaderValue HeadersToSend HttpHandler HttpLimits
      HttpProtocolMessages HttpProtocolOptions HttpServerOptions HttpServerStatistics
      HttpTimeouts IpFilterOptions ParseEventsOptions Part Parts PathFilterOptions RangedAnswer
      RangedOptions RangedRepresentation RangesOptions Raw ReceivedEvent ResponseHead
      ResponseTrailers ServerMessages ServerOptions ServerStatistics ShutdownOptions Validators`,
  },
  "http/files": {
    values: `FileServer files`,
    types: `FilesOptions SiblingCoding`,
  },
};

const names = (text: string): string[] => text.trim().split(/\s+/);

/** What `deno doc` shows of a module, types as well. */
async function documented(path: string): Promise<string[]> {
  const url = new URL(path, import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["doc", "--json", url] })
    .output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const files = Object.values(nodes) as { symbols?: { name: string }[] }[];
  return [...new Set(files.flatMap(({ symbols = [] }) => symbols.map(({ name }) => name)))].sort();
}

for (const [module, { values, types }] of Object.entries(EXPORTS)) {
  Deno.test(`${module} exports the names that are listed here, and no others`, async () => {
    assertEquals(Object.keys(await import(`../${module}/mod.ts`)).sort(), names(values));
    const all = [...names(values), ...names(types)].sort();
    assertEquals(await documented(`../${module}/mod.ts`), all);
  });
}

Deno.test("the package exports all names of its modules, and each means one thing", async () => {
  // What needs an npm package has an entry of its own, and is not in the package's.
  const { "http/files": _, ...modules } = EXPORTS;
  const all = Object.values(modules).flatMap(({ values, types }) => names(`${values} ${types}`));
  assertEquals(await documented("../mod.ts"), [...new Set(all)].sort());
});
