import { MAX_INT, whole } from "../_whole.ts";
import { claimed } from "./_descriptor_of.ts";
import type { ListenOrigin } from "./_descriptor_listening.ts";
import {
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  type Libc,
  O_NONBLOCK,
  SO_ACCEPTCONN,
  socketOption,
  SOL_SOCKET,
} from "./_libc.ts";
import { SockAddr } from "./_sockaddr.ts";

/**
 * Takes over a descriptor that listens already, which a supervisor has passed. One that cannot be used
 * is left alone.
 *
 * @throws {RangeError} If it is no whole number.
 * @throws {TypeError} If it does not listen, or is used here already.
 */
export function passed(libc: Libc, fd: number): ListenOrigin {
  whole(fd, "listen: descriptor", 0, MAX_INT);
  const addr = addressOf(libc, fd);
  if (addr === undefined || socketOption(libc, fd, SOL_SOCKET, SO_ACCEPTCONN) !== 1) {
    throw new TypeError(
      `Cannot listen: descriptor ${fd} is no TCP or Unix socket that listens; ` +
        "listenDescriptors() tells what a supervisor has passed",
    );
  }
  if (claimed.has(fd)) throw new TypeError(`Cannot listen: descriptor ${fd} is used already`);
  // Processes that this one starts must not inherit it.
  libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  // Another process may take the connection that epoll has told of. Then accept must not wait.
  libc.fcntl(fd, F_SETFL, libc.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  // The supervisor has its own descriptor of the same socket, so connections wait in its queue when
  // this one is closed.
  return { addr, close: () => libc.close(fd) };
}

function addressOf(libc: Libc, fd: number): Deno.Addr | undefined {
  const addr = new SockAddr();
  return libc.getsockname(fd, addr.bytes, addr.length) === 0 ? addr.decode() : undefined;
}
