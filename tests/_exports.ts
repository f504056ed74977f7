/** All public names. Who adds or removes one does it here and in the CHANGELOG. */
export const EXPORTS = {
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
      EndOfStream Request Suspend TimeoutError all asProcess closeWrite connectTo currentGio datagrams
      enter gio iterate memory open race shield sleep spawn timeout wait`,
    types: `
      AsProcessOptions Branch BranchResult Context Coroutine Gio GioOptions IterateOptions
      MemoryContext Opened OutgoingDatagram SuspendOptions Timeout Waiter`,
  },
  http: {
    values: `
      ApacheLogger BasicAuthentication Client Deproxy EmptySocketPool EndOfStream HttpClient
      HttpHeaders HttpProtocol HttpReader HttpRequest HttpResponse HttpServer IpFilter
      LocalProtocolError PathFilter PathRename RemoteProtocolError Server SocketPool
      TimeoutError TooManyConnections combinedLog commonLog compress compressionFor conditional decodeWhole
      decompress defaultClientLimits defaultClientTimeouts defaultLimits defaultTimeouts
      encodeWhole etagOf eventStream events fetchHandler form getRequest jsonLog knownUsers
      lastEventId methodNotAllowed multipart ok parseEvents postRequest preferredEncoding
      preferredLanguage preferredType ranged rangesOf raw response serveHttp trailers weakEtag`,
    types: `
      AcceptorOptions AccessLog AccessLogEntry Answered Awaitable BasicAuthenticationOptions
      ByteRange ClientLimits ClientMessages ClientTimeouts CompressOptions CompressibleResponse
      Compression CompressionOptions ConditionalRequest ConnectionInfo ContentCoding CookieStore
      Coroutine DecompressOptions DeproxyOptions ErrorAnswer ErrorHandler ErrorToAnswer
      EventToSend EventsOptions FetchHandler FetchInfo FormLimits HeaderParameters HeaderValue
      HeadersToSend HttpClientOptions HttpHandler HttpLimits HttpProtocolMessages
      HttpProtocolOptions HttpReaderOptions HttpRequestMessages HttpServerOptions
      HttpServerStatistics HttpTimeouts InterimResponse IpFilterOptions OneRequestOptions
      OriginInspected ParseEventsOptions Part Parts PathFilterOptions RangedAnswer RangedOptions
      RangedRepresentation RangesOptions Raw ReceivedEvent RedirectPolicy RequestContent
      RequestOptions RequestToSend ResponseHead ResponseRequest ResponseTrailers SaveOptions ServerMessages
      ServerOptions ServerStatistics ShutdownOptions TlsInfo Validators WholeResponse`,
  },
  "http/files": {
    values: `FileServer files`,
    types: `FilesOptions SiblingCoding`,
  },
};

/** The names in such a text. */
export function names(text: string): string[] {
  return text.trim().split(/\s+/);
}
