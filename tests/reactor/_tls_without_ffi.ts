/** What becomes of `noDelay: true` with TLS where there is no FFI: prints each error, or that there was none. */
import { Acceptor, connect, Reactor } from "../../reactor/mod.ts";
import { CA_CERT, CERT, KEY } from "./_tls.ts";

const hostname = "127.0.0.1";
const cert = { cert: CERT, key: KEY };
using reactor = new Reactor();
async function tell(what: string, act: () => unknown): Promise<void> {
  try {
    await act();
    console.log(`${what}: well`);
  } catch (error) {
    console.log(`${what}: ${error}`);
  }
}
const running = reactor.run();
for (const noDelay of [undefined, true]) {
  const given = noDelay === undefined ? {} : { noDelay };
  await tell(
    `listen ${noDelay}`,
    () => new Acceptor(reactor, { hostname, port: 0, ...cert, ...given }, () => {}).close(),
  );
  await tell(`connect ${noDelay}`, async () => {
    using listener = Deno.listenTls({ hostname, port: 0, ...cert });
    const { port } = listener.addr as Deno.NetAddr;
    const accepted = listener.accept().then((conn) => conn.handshake().then(() => conn.close()));
    const tls = { ...cert, caCerts: [CA_CERT] };
    try {
      (await connect(reactor, { hostname, port, tls, ...given })).close();
    } finally {
      await accepted;
    }
  });
}
reactor.requestShutdown();
await running;
