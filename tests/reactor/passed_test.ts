/** Descriptors that a supervisor passes: sd_listen_fds(3). */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Acceptor, listenDescriptors, Reactor } from "../../reactor/mod.ts";
import type { DescriptorListening } from "../../reactor/linux/_descriptor_listening.ts";
import { findDescriptor } from "../../reactor/linux/_descriptor_of.ts";
import { libc } from "../../reactor/linux/_libc.ts";
import { leakTest } from "../_leaks.ts";
import { hasCommand } from "../_peers.ts";
import { hostname } from "../_sockets.ts";

const LINUX = Deno.build.os === "linux";
const ENV = "LISTEN_PID,LISTEN_FDS,LISTEN_FDNAMES";
const server = [
  Deno.execPath(),
  "run",
  "--no-prompt",
  `--allow-env=${ENV}`,
  "--allow-ffi",
  "--allow-run=ls",
  fileURLToPath(import.meta.resolve("./_passed_server.ts")),
];

/** Listens, and starts and stops the server whenever it is told to, as a supervisor does. */
const SUPERVISOR = `
import os, signal, socket, sys
kind, *command = sys.argv[1:]
listener = socket.socket(socket.AF_INET if kind == "tcp" else socket.AF_UNIX)
listener.bind(("127.0.0.1", 0) if kind == "tcp" else kind)
listener.listen(16)
child = None
for line in sys.stdin:
  if line == "start\\n":
    child = os.fork()
    if child == 0:
      os.dup2(listener.fileno(), 3)
      os.set_inheritable(3, True)
      os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
      os.execv(command[0], command)
  else:
    os.kill(child, signal.SIGTERM)
    print("ended", os.waitpid(child, 0)[1], flush=True)
`;

/** Runs a program and its conversation: lines in, lines out. */
async function converse(
  [command, ...args]: string[],
  talk: (say: (line: string) => Promise<void>, hear: () => Promise<string>) => Promise<void>,
): Promise<string> {
  const process = new Deno.Command(command!, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(process.stderr).text();
  const input = process.stdin.getWriter();
  const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let heard = "";
  try {
    await talk(
      (line) => input.write(new TextEncoder().encode(`${line}\n`)),
      async () => {
        while (!heard.includes("\n")) {
          const { value, done } = await output.read();
          if (done) throw new Error(`${command} has ended: ${await errors}`);
          heard += value;
        }
        const [line, ...rest] = heard.split("\n");
        heard = rest.join("\n");
        return line!;
      },
    );
  } finally {
    await input.close().catch(() => {});
    try {
      process.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await output.cancel();
    await process.status;
  }
  return await errors;
}

async function read(conn: Deno.Conn): Promise<string> {
  return await new Response(conn.readable).text();
}

if (LINUX && hasCommand("python3")) {
  const path = `${Deno.env.get("TMPDIR") ?? "/tmp"}/weightless-passed-${Deno.pid}.sock`;
  for (const kind of ["tcp", path]) {
    leakTest(
      `Acceptor takes a ${
        kind === "tcp" ? "TCP" : "Unix"
      } socket from a supervisor, and keeps its queue when it is started again`,
      async () => {
        const errors = await converse(
          ["python3", "-c", SUPERVISOR, kind, ...server, "web", "other"],
          async (say, hear) => {
            await say("start");
            const addr = JSON.parse(await hear());
            if (kind !== "tcp") assertEquals(addr, { transport: "unix", path });
            const connect = () =>
              kind === "tcp"
                ? Deno.connect({ hostname, port: addr.port })
                : Deno.connect({ transport: "unix", path });
            assertMatch(await read(await connect()), /^\d+ false$/);
            await say("stop");
            assertEquals(await hear(), "ended 0");
            const early = [await connect(), await connect()];
            await say("start");
            assertEquals(JSON.parse(await hear()), addr);
            for (const conn of early) assertMatch(await read(conn), /^\d+ false$/);
            await say("stop");
            assertEquals(await hear(), "ended 0");
          },
        );
        assertEquals(errors, "");
        if (kind !== "tcp") Deno.removeSync(kind);
      },
    );
  }
}

if (LINUX && hasCommand("systemd-socket-activate")) {
  leakTest("Acceptor takes the socket of systemd-socket-activate", async () => {
    using free = Deno.listen({ hostname, port: 0 });
    const { port } = free.addr;
    free.close();
    const command = ["systemd-socket-activate", "-l", `${hostname}:${port}`, "--fdname=web"];
    await converse([...command, ...server, "web", "other"], async (_say, hear) => {
      let conn: Deno.Conn | undefined;
      while (conn === undefined) {
        conn = await Deno.connect({ hostname, port }).catch(() => undefined);
      }
      assertEquals(JSON.parse(await hear()), { transport: "tcp", hostname, port });
      assertMatch(await read(conn), /^\d+ false$/);
    });
  });
}

Deno.test("listenDescriptors() tells what is meant for this process", () => {
  const cases: [
    pid: string,
    fds: string | undefined,
    names: string | undefined,
    of: string | undefined,
    number[],
  ][] = [
    [`${Deno.pid}`, "2", undefined, undefined, [3, 4]],
    [`${Deno.pid}`, "3", "a:b:a", "a", [3, 5]],
    [`${Deno.pid}`, "2", "a", "unknown", [4]],
    [`${Deno.pid}`, "1", "a", "b", []],
    [`${Deno.pid}`, "0", undefined, undefined, []],
    [`${Deno.pid}`, "-1", undefined, undefined, []],
    [`${Deno.pid}`, "x", undefined, undefined, []],
    [`${Deno.pid}`, undefined, undefined, undefined, []],
    [`${Deno.pid + 1}`, "2", undefined, undefined, []],
    ["", "2", undefined, undefined, []],
  ];
  for (const [pid, fds, names, of, found] of cases) {
    const env = { LISTEN_PID: pid, LISTEN_FDS: fds, LISTEN_FDNAMES: names };
    for (const [name, value] of Object.entries(env)) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    assertEquals(listenDescriptors(of), found, `${JSON.stringify(env)} ${of}`);
  }
  for (const name of ENV.split(",")) Deno.env.delete(name);
});

Deno.test("listenDescriptors() tells what is missing without the permission", {
  permissions: { env: false },
}, () => {
  assertThrows(() => listenDescriptors(), Deno.errors.NotCapable, "LISTEN_PID");
});

leakTest("Acceptor (deno) tells what to do when it is given a descriptor", () => {
  using reactor = new Reactor({ selector: "deno" });
  assertThrows(
    () => new Acceptor(reactor, { descriptor: 3 }, () => {}),
    Deno.errors.NotSupported,
    'use the selector "epoll", on Linux with --allow-ffi',
  );
});

if (LINUX) {
  leakTest("Acceptor (epoll) leaves a descriptor alone that it cannot use", async () => {
    using reactor = new Reactor({ selector: "epoll" });
    using file = Deno.openSync(fileURLToPath(import.meta.url));
    using listener = Deno.listen({ hostname, port: 0 });
    const connecting = Deno.connect({ hostname, port: listener.addr.port });
    using accepted = await listener.accept();
    using conn = await connecting;
    const fd = findDescriptor(libc()!, accepted)!;
    for (const descriptor of [fd, 1000]) {
      assertThrows(
        () => new Acceptor(reactor, { descriptor }, () => {}),
        TypeError,
        `descriptor ${descriptor} is no TCP or Unix socket that listens`,
      );
    }
    assert(file.statSync().isFile);
    await accepted.write(new Uint8Array(1));
    assertEquals(await conn.read(new Uint8Array(2)), 1);
    const listening = reactor.listening(Deno.listen({ hostname, port: 0 }));
    const { descriptor } = listening as DescriptorListening;
    assertThrows(
      () => new Acceptor(reactor, { descriptor: descriptor! }, () => {}),
      TypeError,
      `descriptor ${descriptor} is used already`,
    );
    listening.close();
  });
}
