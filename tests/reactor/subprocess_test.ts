/** What a program that was started leaves behind: nothing, however it ends; and how its standard error is told. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { EndOfStream, gio } from "../../gio/mod.ts";
import {
  Reactor,
  type Socket,
  subprocess,
  type SubprocessOptions,
  TestClock,
} from "../../reactor/mod.ts";
import { leakTest, openDescriptors, turns, turnsUntil } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { SELECTORS } from "../_sockets.ts";

// The runtime opens descriptors of its own at the first subprocess.
await new Deno.Command("true").output();

const STDERRS = ["piped", "inherit", "null"] as const;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function receiveAll(reactor: Reactor, socket: Socket): Promise<string> {
  let received = "";
  let ended = false;
  reactor.addReader(socket, () => {
    const bytes = socket.recv();
    if (bytes) received += text(bytes);
    else {
      ended = true;
      socket.close();
    }
  });
  await drive(reactor, () => ended, "the end");
  return received;
}

const sh = (script: string) => ({ args: ["-c", script] });

/** Ways in which a program and who started it part. */
const PARTINGS: Record<
  string,
  (reactor: Reactor, stderr: SubprocessOptions["stderr"] & string) => Promise<unknown>
> = {
  "it ends, and nobody reads": (reactor, stderr) => subprocess(reactor, "true", { stderr }).status,
  "it ends with something said, which nobody reads": (reactor, stderr) =>
    subprocess(reactor, "sh", { ...sh("echo out; cat /etc/passwd"), stderr }).status,
  "it ends, and its output was read": async (reactor, stderr) => {
    const { io, status } = subprocess(reactor, "echo", { args: ["out"], stderr });
    assertEquals(await receiveAll(reactor, io), "out\n");
    await status;
  },
  "it ends, and a coroutine has read its output": async (reactor, stderr) => {
    const { io, status } = subprocess(reactor, "echo", { args: ["out"], stderr });
    const running = gio(
      reactor,
      io,
      function* () {
        try {
          for (;;) yield;
        } catch (error) {
          if (!(error instanceof EndOfStream)) throw error;
        }
      }(),
    );
    await drive(reactor, () => running.done, "its end");
    await status;
  },
  "it ends with some of its output read": async (reactor, stderr) => {
    const { io, status } = subprocess(reactor, "sh", { ...sh("echo 1; read x; echo 2"), stderr });
    let seen = "";
    reactor.addReader(io, () => {
      seen += text(io.recv()!);
      reactor.removeReader(io);
    });
    await drive(reactor, () => seen === "1\n", "a line");
    io.shutdown();
    await status;
  },
  "it ends before what was sent to it": async (reactor, stderr) => {
    const { io, status } = subprocess(reactor, "true", { stderr });
    io.send(new Uint8Array(1_000_000));
    await status;
  },
  "it is killed": (reactor, stderr) => {
    const { kill, status } = subprocess(reactor, "sleep", { args: ["1000"], stderr });
    kill("SIGKILL");
    return status;
  },
  "it is disposed of": (reactor, stderr) => {
    using program = subprocess(reactor, "sleep", { args: ["1000"], stderr });
    return program.status;
  },
  "it is disposed of after its end": async (reactor, stderr) => {
    using program = subprocess(reactor, "echo", { args: ["out"], stderr });
    await program.status;
  },
  "the reactor shuts down": (reactor, stderr) => {
    const { status } = subprocess(reactor, "sleep", { args: ["1000"], stderr });
    reactor.shutdown();
    return status;
  },
  "it cannot be started": (reactor, stderr) => {
    assertThrows(() => subprocess(reactor, "/nowhere", { stderr }), Deno.errors.NotFound);
    return Promise.resolve();
  },
};

for (const selector of SELECTORS) {
  for (const stderr of STDERRS) {
    for (const [parting, part] of Object.entries(PARTINGS)) {
      leakTest(
        `subprocess() leaves nothing open when ${parting} (${selector}, stderr ${stderr})`,
        async () => {
          const reactor = new Reactor({ selector });
          reactor.step();
          const before = openDescriptors().size;
          await part(reactor, stderr);
          await turnsUntil(() => openDescriptors().size <= before);
          reactor.shutdown();
          assertEquals(reactor.openConnections.size, 0);
        },
      );
    }
  }

  leakTest(`subprocess() gives all output of a program that has ended (${selector})`, async () => {
    using reactor = new Reactor({ selector });
    for (const length of [0, 1, 5, 60_000]) {
      const { io, stderr, status } = subprocess(
        reactor,
        "sh",
        sh(`head -c ${length} /dev/zero | tr '\\0' x; echo oh >&2`),
      );
      await status;
      assertEquals((await receiveAll(reactor, io)).length, length);
      assertEquals(await receiveAll(reactor, stderr), "oh\n");
    }
  });

  leakTest(
    `subprocess() does not stand still when nobody reads its stderr (${selector})`,
    async () => {
      using reactor = new Reactor({ selector });
      const script = "head -c 1000000 /dev/zero | tr '\\0' x >&2; echo last >&2; echo done";
      for (const stderr of ["piped", "null"] as const) {
        const program = subprocess(reactor, "sh", { ...sh(script), stderr });
        assertEquals(await receiveAll(reactor, program.io), "done\n");
        assertEquals((await program.status).code, 0);
        if (program.stderr === undefined) continue;
        const kept = await receiveAll(reactor, program.stderr);
        assert(kept.endsWith("xxxlast\n") && kept.length < 200_000, `${kept.length} bytes`);
      }
    },
  );

  leakTest(`subprocess() loses nothing of a stderr that is read (${selector})`, async () => {
    using reactor = new Reactor({ selector });
    const script = "head -c 1000000 /dev/zero | tr '\\0' x >&2";
    const { stderr, status } = subprocess(reactor, "sh", sh(script));
    assertEquals((await receiveAll(reactor, stderr)).length, 1_000_000);
    await status;
  });

  leakTest(
    `run() waits for programs to end, and kills those that do not (${selector})`,
    async () => {
      const clock = new TestClock();
      const reactor = new Reactor({ selector, clock, lingerMs: 1000 });
      const polite = subprocess(reactor, "sleep", { args: ["1000"] });
      const stubborn = subprocess(
        reactor,
        "sh",
        sh("trap '' TERM; echo; while :; do sleep 0.01; done"),
      );
      let ready = false;
      reactor.addReader(stubborn.io, () => ready = stubborn.io.recv() !== undefined);
      await drive(reactor, () => ready, "the trap");
      let ended = false;
      reactor.requestShutdown();
      const running = reactor.run().then(() => ended = true);
      assertEquals((await polite.status).signal, "SIGTERM");
      clock.advance(999);
      await turns(5);
      assertEquals(ended, false);
      clock.advance(1);
      assertEquals((await stubborn.status).signal, "SIGKILL");
      await running;
    },
  );

  leakTest(`subprocess() by using is killed at last (${selector})`, async () => {
    const clock = new TestClock();
    using reactor = new Reactor({ selector, clock, lingerMs: 1000 });
    let status: Promise<Deno.CommandStatus>;
    {
      using stubborn = subprocess(
        reactor,
        "sh",
        sh("trap '' TERM; echo; while :; do sleep 0.01; done"),
      );
      status = stubborn.status;
      let ready = false;
      reactor.addReader(stubborn.io, () => ready = stubborn.io.recv() !== undefined);
      await drive(reactor, () => ready, "the trap");
    }
    clock.advance(1000);
    assertEquals((await status).signal, "SIGKILL");
  });
}

Deno.test("subprocess() inherits stderr, if it is to", async () => {
  const program = `
    import { Reactor, subprocess } from ${
    JSON.stringify(import.meta.resolve("../../reactor/mod.ts"))
  };
    const reactor = new Reactor();
    const child = subprocess(reactor, "sh", { args: ["-c", "echo oh >&2"], stderr: Deno.args[0] });
    console.log(child.stderr === undefined);
    await child.status;
    reactor.shutdown();`;
  for (const [stderr, told] of [["inherit", "oh\n"], ["null", ""]]) {
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", program, stderr!],
    }).output();
    assertEquals([text(output.stdout), text(output.stderr)], ["true\n", told!]);
  }
  using reactor = new Reactor();
  assertThrows(
    () => subprocess(reactor, "true", { stderr: "file" as never }),
    TypeError,
    `stderr must be "piped", "inherit" or "null"`,
  );
});

for (const selector of SELECTORS) {
  leakTest(
    `reactor.shutdown() lets go of the stderr that another program holds (${selector})`,
    async () => {
      const before = openDescriptors().size;
      const reactor = new Reactor({ selector });
      const running = reactor.run();
      const { io, status } = subprocess(reactor, "sh", {
        args: ["-c", "sleep 60 >/dev/null </dev/null & echo $!"],
      });
      let pid = "";
      const { promise, resolve } = Promise.withResolvers<void>();
      reactor.addReader(io, () => {
        const bytes = io.recv();
        if (bytes) pid += new TextDecoder().decode(bytes);
        else if (bytes === null) resolve();
      });
      await Promise.all([promise, status]);
      reactor.requestShutdown();
      await running;
      try {
        await turnsUntil(() => openDescriptors().size <= before);
      } finally {
        Deno.kill(Number(pid));
      }
    },
  );
}
