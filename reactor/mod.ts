/**
 * Readiness, timers and processes: one explicit object that calls back when an operation will not
 * block.
 *
 * Start with:
 *
 * - {@linkcode Reactor}: waits for sockets and timers, and calls back; `await reactor.run()`
 * - {@linkcode Acceptor}: listens on a port and gives a {@linkcode Socket} for each connection;
 *   {@linkcode connect} opens one
 * - {@linkcode splice}: moves bytes from one connection to another, on Linux without copying them
 *
 * ```ts
 * import { Acceptor, Reactor } from "@weightless/io/reactor";
 *
 * using reactor = new Reactor();
 * using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
 *   reactor.addReader(socket, () => {
 *     const bytes = socket.recv();
 *     if (bytes) socket.send(bytes);
 *     else if (bytes === null) socket.close();
 *   });
 * });
 * reactor.addTimer(10, () => reactor.requestShutdown());
 * await reactor.run();
 * ```
 *
 * @module
 */
export * from "./accept_tls.ts";
export * from "./acceptor.ts";
export * from "./acceptor_options.ts";
export * from "./byte_stream.ts";
export * from "./clock.ts";
export * from "./connect.ts";
export * from "./datagram_acceptor.ts";
export * from "./datagram_socket.ts";
export * from "./events.ts";
export * from "./inspected_text.ts";
export * from "./listen_descriptors.ts";
export * from "./reactor.ts";
export * from "./reactor_options.ts";
export * from "./selectable.ts";
export type { Listening, Socket } from "./socket.ts";
export * from "./transfer/send_file.ts";
export * from "./transfer/splice.ts";
export * from "./streams.ts";
export * from "./subprocess.ts";
export * from "./suspend.ts";
export * from "./timer.ts";
export {
  here,
  type Reads,
  type Receiver,
  type Sender,
  type Transfer,
  type TransferOptions,
  type TransferPeer,
  type TransferSource,
  type TransferTarget,
  type Writes,
} from "./transfer/transfer.ts";
export * from "./transfer/transfer_error.ts";
export * from "./transfer/transferred.ts";
export * from "./linux/zero_copy.ts";
