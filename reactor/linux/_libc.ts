import { MAX_INT, whole } from "../_whole.ts";

/*
 * The C library, by Deno FFI. Only this file opens it, and it declares all calls.
 *
 * 1. The library is opened at the first use, by the name of glibc or musl. It is used only if that
 *    is granted already, so nobody is ever prompted. `--allow-ffi=/lib/…/libc.so.6` (one absolute
 *    path) is enough.
 * 2. A parameter is an `i32` where C has `size_t` or `ssize_t`, because the conversion of a number
 *    to 64 bits takes longer than many system calls. So no length may reach 2 GiB.
 * 3. Memory is passed as a `buffer`, never as an address. A grant for one path does not permit
 *    asking for addresses.
 * 4. `errno` is not reliable: other code uses the thread between two FFI calls. After a failure the
 *    caller asks the descriptor for the reason (`poll`, `SO_ERROR`). If there is no answer, it
 *    tries again.
 * 5. A `nonblocking` call costs 50 µs and one of 32 threads. There is one such call, for the idle
 *    wait, and few of them run at a time (see _epoll.ts).
 * 6. The kernel takes a negative length for a huge one and writes beyond the buffer. So calls that
 *    get numbers from outside check each of them (see `checked`). The cost of this cannot be
 *    measured.
 *
 * All constants and structures are those of Linux on x86-64 and arm64. Both are little-endian and
 * have a 64-bit long.
 */

const symbols = {
  close: { parameters: ["i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** Is `null` in an older C library. */
  fstat: { parameters: ["i32", "buffer"], result: "i32", optional: true },
  ioctl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  lseek: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** Has no function of its own in the C library, so it is called by its number. */
  openat2: {
    name: "syscall",
    parameters: ["i32", "i32", "buffer", "buffer", "i32"],
    result: "i32",
  },
  poll: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "i32", "i64"], result: "i32" },
  read: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  /** Is `null` in an older C library. */
  statx: {
    parameters: ["i32", "buffer", "i32", "i32", "buffer"],
    result: "i32",
    optional: true,
  },
  sysconf: { parameters: ["i32"], result: "i32" },

  connect: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },

  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  sendfile: { parameters: ["i32", "i32", "buffer", "i32"], result: "i32" },
  splice: { parameters: ["i32", "pointer", "i32", "pointer", "i32", "i32"], result: "i32" },
  tee: { parameters: ["i32", "i32", "i32", "i32"], result: "i32" },
  vmsplice: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },

  eventfd: { parameters: ["i32", "i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  /** The same as `epoll_wait`, in a thread. */
  epoll_park: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  /** Takes a limit in nanoseconds. Is `null` in an older C library. */
  epoll_pwait2: {
    parameters: ["i32", "buffer", "i32", "buffer", "pointer"],
    result: "i32",
    optional: true,
  },
} as const;

/** The calls. They have the names of C, and their manual pages describe them. */
export type Libc = Deno.StaticForeignLibraryInterface<typeof symbols>;

const MACHINE = Deno.build.arch;
const NAMES = ["libc.so.6", `libc.musl-${MACHINE}.so.1`];
const FOLDERS = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"]
  .flatMap((folder) => [`${folder}/${MACHINE}-linux-gnu`, folder]);

let opened: Libc | undefined;
let whyNot: string | undefined;

/** Returns the C library, or `undefined` if it cannot be used; see {@linkcode libcProblem}. */
export function libc(): Libc | undefined {
  if (opened !== undefined) return opened;
  if (Deno.build.os !== "linux") whyNot = `this is ${Deno.build.os}, not Linux`;
  else if (MACHINE !== "x86_64" && MACHINE !== "aarch64") {
    whyNot = `this is ${MACHINE}, not x86_64 or aarch64`;
  } else opened = open();
  return opened;
}

/** Tells why {@linkcode libc} returns nothing, and what to do. */
export function libcProblem(): string | undefined {
  return libc() === undefined ? whyNot : undefined;
}

/** For tests: replaces the C library. Returns the one before. */
export function replaceLibc(other: Libc): Libc | undefined {
  const former = libc();
  opened = other;
  return former;
}

function open(): Libc | undefined {
  const paths = FOLDERS.flatMap((folder) => NAMES.map((name) => `${folder}/${name}`));
  // One file may have several of these names. So a denial of one name denies all.
  if ([undefined, ...NAMES, ...paths].some((path) => ffiState(path) === "denied")) {
    whyNot = "calling the C library is denied: run without --deny-ffi";
    return;
  }
  const granted = isFfiGranted() ? [...NAMES, ...paths] : paths.filter(isFfiGranted);
  for (const path of granted) {
    try {
      return checked(Deno.dlopen(path, symbols).symbols as Libc);
    } catch {
      // It does not exist, or is not for this machine.
    }
  }
  whyNot = granted.length > 0
    ? `there is no C library by the name of ${granted.join(" or ")}`
    : "calling the C library is not allowed: run with --allow-ffi";
}

/**
 * Adds the checks of rule 6. Each call is written out, because a call is fast if it always calls
 * the same function.
 */
function checked(libc: Libc): Libc {
  const { pread, read, recv, send, splice, tee, sendfile, vmsplice } = libc;
  return {
    ...libc,
    pread: (fd, room, length, at) => pread(fd, room, within(room, length), at),
    read: (fd, room, length) => read(fd, room, within(room, length)),
    recv: (fd, room, length, flags) => recv(fd, room, within(room, length), flags),
    send: (fd, bytes, length, flags) => send(fd, bytes, within(bytes, length), flags),
    splice: (from, at, to, there, length, flags) =>
      splice(descriptor(from), at, descriptor(to), there, int(length), flags),
    tee: (from, to, length, flags) => tee(descriptor(from), descriptor(to), int(length), flags),
    sendfile: (to, file, offset, length) =>
      sendfile(descriptor(to), descriptor(file), offset, int(length)),
    vmsplice: (to, vector, count, flags) => vmsplice(descriptor(to), vector, count, flags),
  };
}

function within(buffer: { byteLength: number } | null, length: number): number {
  return whole(length, "call the kernel: the length", 0, buffer!.byteLength);
}

function int(length: number): number {
  return whole(length, "call the kernel: the length", 0, MAX_INT);
}

function descriptor(fd: number): number {
  return whole(fd, "call the kernel: the descriptor", 0, MAX_INT);
}

/** Whether `--allow-ffi` is granted already, for a path or in general. Never prompts. */
export function isFfiGranted(path?: string): boolean {
  return ffiState(path) === "granted";
}

function ffiState(path?: string): Deno.PermissionState {
  return Deno.permissions.querySync({ name: "ffi", ...(path && { path }) }).state;
}

/**
 * Flags of descriptors: children do not inherit them, also for a duplicate; operations do not wait.
 */
export const O_CLOEXEC = 0o2000000, F_DUPFD_CLOEXEC = 1030, O_NONBLOCK = 0o4000;

/** Calls of `fcntl` that set and get these flags, and the first of them as they call it. */
export const F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, FD_CLOEXEC = 1;

/** Flags of `splice` and `tee`: move without copying; do not wait. */
export const SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2;

/**
 * Events of `poll`: something to read, room to write, broken, shut down in both directions, no such
 * descriptor.
 */
export const POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32;

/** Options of sockets: the pending error, which reading removes, and whether the socket listens. */
export const SOL_SOCKET = 1, SO_ERROR = 4, SO_ACCEPTCONN = 30;
/** Options of TCP: send small pieces at once, and accept no more than so much beyond what the peer takes. */
export const IPPROTO_TCP = 6, TCP_NODELAY = 1;

const pollfd = new Int32Array(2);

/** Returns which of `events`, POLLERR and POLLHUP are true for a descriptor now. */
export function pollNow(libc: Libc, fd: number, events: number): number {
  pollfd[0] = fd;
  pollfd[1] = events;
  return libc.poll(pollfd, 1, 0) > 0 ? pollfd[1] >>> 16 : 0;
}

const option = new Int32Array(1);
const optionLength = new Int32Array(1);

/** Returns the value of a numeric option, or `undefined` if the descriptor is not a socket. */
export function socketOption(
  libc: Libc,
  fd: number,
  level: number,
  name: number,
): number | undefined {
  optionLength[0] = 4;
  return libc.getsockopt(fd, level, name, option, optionLength) === 0 ? option[0] : undefined;
}

/** Sets a numeric option. */
export function setSocketOption(
  libc: Libc,
  fd: number,
  level: number,
  name: number,
  value: number,
): void {
  option[0] = value;
  libc.setsockopt(fd, level, name, option, 4);
}

const NOWHERE = new Uint8Array(16);

/**
 * Resets a TCP connection. Bytes that the peer has not received are lost, and the peer gets an
 * error. It connects the socket to nowhere. SO_LINGER would come too late, because Deno ends the
 * stream before it closes the connection.
 */
export function reset(libc: Libc, fd: number): void {
  libc.connect(fd, NOWHERE, NOWHERE.length);
}

/** Numbers of errors, as in `SO_ERROR`. */
export const EMFILE = 24, EPIPE = 32, ECONNRESET = 104;

type OsError = [name: string, message: string, type?: new (message: string) => Error];

const ERRORS: Record<number, OsError> = {
  [EMFILE]: ["EMFILE", "Too many open files"],
  [EPIPE]: ["EPIPE", "Broken pipe", Deno.errors.BrokenPipe],
  101: ["ENETUNREACH", "Network is unreachable", Deno.errors.NetworkUnreachable],
  103: ["ECONNABORTED", "Software caused connection abort", Deno.errors.ConnectionAborted],
  [ECONNRESET]: ["ECONNRESET", "Connection reset by peer", Deno.errors.ConnectionReset],
  107: ["ENOTCONN", "Transport endpoint is not connected", Deno.errors.NotConnected],
  110: ["ETIMEDOUT", "Connection timed out", Deno.errors.TimedOut],
  111: ["ECONNREFUSED", "Connection refused", Deno.errors.ConnectionRefused],
};

/** Makes the error that Deno throws for the number of an error. */
export function osError(number: number): Error {
  const [code, message, type = Error] = ERRORS[number] ?? [undefined, "The system refused"];
  const error = new type(`${message} (os error ${number})`);
  return code === undefined ? error : Object.assign(error, { code });
}
