import { assert, assertEquals, assertThrows } from "@std/assert";
import { zeroCopy } from "../../reactor/mod.ts";
import { leakTest } from "../_leaks.ts";
import { output } from "../_peers.ts";
import { faultyLibc } from "./_faulty_libc.ts";
import { conns, socketPath } from "./_transfer_ends.ts";

const MAX = Number.MAX_SAFE_INTEGER;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

function test(name: string, fn: () => Promise<void> | void): void {
  if (zeroCopy.supported) leakTest(name, fn);
}

Deno.test("zeroCopy tells whether it is supported, and why not", () => {
  assertEquals(zeroCopy.supported, zeroCopy.problem === undefined);
  if (!zeroCopy.supported) return;
  using _ = faultyLibc({ fstat: null });
  assertEquals(zeroCopy.problem, "the C library is too old: it has no fstat");
});

Deno.test("zeroCopy needs --allow-ffi, says so, and never prompts", async () => {
  const module = new URL("../../reactor/mod.ts", import.meta.url).href;
  const program = `
    import { zeroCopy } from "${module}";
    console.log(zeroCopy.supported, zeroCopy.problem, zeroCopy.descriptorOf(Deno.stdin));
    zeroCopy.pipe();`;
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(path, program);
  const { text, errors } = await output(Deno.execPath(), [
    "run",
    "--no-config",
    "--no-check",
    path,
  ]);
  await Deno.remove(path);
  const problem = Deno.build.os === "linux"
    ? "calling the C library is not allowed: run with --allow-ffi"
    : `this is ${Deno.build.os}, not Linux`;
  assertEquals(text, `false ${problem} undefined\n`);
  assert(errors.includes(`NotSupported: Cannot move bytes in the kernel: ${problem}; or`), errors);
});

test("zeroCopy.descriptorOf() finds a file that may be written, and not be read", async () => {
  const module = new URL("../../reactor/mod.ts", import.meta.url).href;
  const folder = await Deno.makeTempDir();
  const program = `
    import { zeroCopy } from "${module}";
    using file = Deno.openSync("${folder}/record", { write: true, create: true });
    console.log(typeof zeroCopy.descriptorOf(file), file.seekSync(0, Deno.SeekMode.Current));`;
  await Deno.writeTextFile(`${folder}/program.ts`, program);
  const allowed = ["--allow-ffi", `--allow-write=${folder}`];
  const { text, errors } = await output(Deno.execPath(), [
    "run",
    "--no-config",
    "--no-check",
    "--no-prompt",
    ...allowed,
    `${folder}/program.ts`,
  ]);
  await Deno.remove(folder, { recursive: true });
  assertEquals([text, errors], ["number 0\n", ""]);
});

test("zeroCopy.splice() moves what there is, and tells when there is nothing", async () => {
  const [near, far] = await conns();
  using pipe = zeroCopy.pipe();
  const [from, to] = [zeroCopy.descriptorOf(near)!, zeroCopy.descriptorOf(far)!];
  assertEquals(zeroCopy.splice(from, pipe.input, 100), -1);
  await far.write(bytes("some data"));
  assertEquals(zeroCopy.splice(from, pipe.input, 4), 4);
  assertEquals(zeroCopy.splice(from, pipe.input, Infinity), 5);
  assertEquals(zeroCopy.splice(pipe.output, from, 100), 9); // back to where it came from
  const room = new Uint8Array(20);
  assertEquals(text(room.subarray(0, (await far.read(room))!)), "some data");
  await far.closeWrite();
  assertEquals(zeroCopy.splice(from, pipe.input, 100), 0);
  assertEquals(zeroCopy.splice(from, to, 100), -1); // One of them has to be a pipe.
  near.close();
  far.close();
});

test("zeroCopy.tee() leaves what it duplicates", () => {
  using one = zeroCopy.pipe();
  using other = zeroCopy.pipe();
  assertEquals(zeroCopy.tee(one.output, other.input, 10), -1);
  assertEquals(zeroCopy.vmsplice(one.input, bytes("abc")), 3);
  assertEquals(zeroCopy.tee(one.output, other.input, 2), 2);
  assertEquals(zeroCopy.tee(one.output, other.input, Infinity), 3);
  assertEquals(zeroCopy.splice(other.output, one.input, 10), 5);
});

test("zeroCopy.sendfile() sends from an offset, and 0 at the end", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "some data");
  const [near, far] = await conns();
  {
    using file = await Deno.open(path);
    await file.seek(3, Deno.SeekMode.Start);
    const [to, fd] = [zeroCopy.descriptorOf(near)!, zeroCopy.descriptorOf(file)!];
    assertEquals(zeroCopy.sendfile(to, fd, 5, 2 ** 40), 4);
    assertEquals(zeroCopy.sendfile(to, fd, 0, 4), 4);
    assertEquals(zeroCopy.sendfile(to, fd, 9, 4), 0);
    assertEquals(zeroCopy.sendfile(to, fd, 2 ** 40, 4), 0);
    assertEquals(await file.seek(0, Deno.SeekMode.Current), 3);
  }
  const room = new Uint8Array(20);
  assertEquals(text(room.subarray(0, (await far.read(room))!)), "datasome");
  near.close();
  far.close();
  await Deno.remove(path);
});

test("zeroCopy.pipe() makes a pipe of the size that is wanted, or what the kernel allows", () => {
  using usual = zeroCopy.pipe();
  using small = zeroCopy.pipe(4096);
  using large = zeroCopy.pipe(2 ** 40);
  assertEquals([usual.size, small.size], [1024 * 1024, 4096]);
  assert(large.size >= 64 * 1024);
  usual.close(); // and once more at the end of the block
  {
    using _ = faultyLibc({ pipe2: () => -1 });
    assertThrows(() => zeroCopy.pipe(), Error, "Cannot make a pipe: there are too many open files");
  }
});

test("zeroCopy refuses descriptors, lengths, offsets and sizes that are none", () => {
  using one = zeroCopy.pipe();
  using other = zeroCopy.pipe();
  const [from, to] = [one.output, other.input];
  assertEquals(zeroCopy.vmsplice(one.input, bytes("abc")), 3);
  const refuses = (call: () => unknown, message: string) => assertThrows(call, RangeError, message);
  for (const wrong of [-1, 1.5, NaN, -Infinity, -(2 ** 32)]) {
    const message = `the length must be a whole number from 0 to 2147483647, not ${
      Deno.inspect(wrong)
    }`;
    refuses(() => zeroCopy.splice(from, to, wrong), message);
    refuses(() => zeroCopy.tee(from, to, wrong), message);
    refuses(() => zeroCopy.sendfile(to, from, 0, wrong), message);
  }
  for (const wrong of [-1, 1.5, NaN, Infinity, 2 ** 53, "1" as never]) {
    const message = `Cannot send a file: the offset must be a whole number from 0 to ${MAX}, not ${
      Deno.inspect(wrong)
    }`;
    refuses(() => zeroCopy.sendfile(to, from, wrong, 1), message);
  }
  for (const wrong of [-1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 32 + from, "1" as never]) {
    const message = `the descriptor must be a whole number from 0 to 2147483647, not ${
      Deno.inspect(wrong)
    }`;
    refuses(() => zeroCopy.splice(wrong, to, 1), message);
    refuses(() => zeroCopy.splice(from, wrong, 1), message);
    refuses(() => zeroCopy.tee(wrong, to, 1), message);
    refuses(() => zeroCopy.tee(from, wrong, 1), message);
    refuses(() => zeroCopy.sendfile(wrong, from, 0, 1), message);
    refuses(() => zeroCopy.sendfile(to, wrong, 0, 1), message);
    refuses(() => zeroCopy.vmsplice(wrong, bytes("abc")), message);
  }
  for (const wrong of [0, -0, -1, 1.5, NaN, "1" as never]) {
    refuses(
      () => zeroCopy.pipe(wrong),
      `Cannot make a pipe: its size must be a whole number of at least 1, not ${
        Deno.inspect(wrong)
      }`,
    );
  }
  for (const nothing of [0, -0]) {
    assertEquals(zeroCopy.splice(from, to, nothing), 0);
    assertEquals(zeroCopy.tee(from, to, nothing), 0);
  }
  assertEquals(zeroCopy.splice(from, to, 10), 3); // it is all still there
});

test("zeroCopy.descriptorOf() finds what is plain, and nothing that is closed", async () => {
  const path = await Deno.makeTempFile();
  const unix = socketPath();
  const [near, far] = await conns();
  const [left, right] = await conns({ transport: "unix", path: unix });
  const [first, second] = [await Deno.open(path), await Deno.open(path)];
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const all = [near, far, left, right, first, second, listener];
  const found = all.map((one) => zeroCopy.descriptorOf(one));
  assert(found.every((fd) => typeof fd === "number"), String(found));
  assertEquals(new Set(found).size, all.length);
  assertEquals(all.map((one) => zeroCopy.descriptorOf(one)), found);
  // The first two numbers that are free now stand for something else then.
  near.close();
  far.close();
  const others = [await Deno.open(path), await Deno.open(path)];
  assertEquals([near, far].map((one) => zeroCopy.descriptorOf(one)), [undefined, undefined]);
  for (const one of [left, right, first, second, ...others]) one.close();
  await Deno.remove(path);
});

if (zeroCopy.supported) {
  const exists = (path: string) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  };
  const { arch } = Deno.build;
  const PATHS = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"]
    .flatMap((folder) => [`${folder}/${arch}-linux-gnu`, folder])
    .flatMap((folder) => [`${folder}/libc.so.6`, `${folder}/libc.musl-${arch}.so.1`])
    .filter(exists);
  const DENIED = "NotSupported calling the C library is denied: run without --deny-ffi";
  const GRANTS: [grant: string[], outcome: string][] = [
    [["--allow-ffi"], "3"],
    [[`--allow-ffi=${PATHS[0]}`], "NotSupported undefined"],
    ...PATHS.map((path): [string[], string] => [["--allow-ffi", `--deny-ffi=${path}`], DENIED]),
    [["--allow-ffi", "--deny-ffi=libc.so.6"], DENIED],
    [["--deny-ffi"], DENIED],
    [["--allow-ffi", "--deny-ffi=/another.so"], "3"],
  ];
  for (const [grant, outcome] of GRANTS) {
    const name = grant.map((flag) => flag.replace(/\/.*\//, "…/")).join(" ");
    Deno.test(`zeroCopy keeps to ${name}, and vmsplice() does not prompt`, async () => {
      const module = import.meta.resolve("../../reactor/mod.ts");
      const program = `
        import { zeroCopy } from "${module}";
        try {
          console.log(zeroCopy.vmsplice(zeroCopy.pipe().input, new Uint8Array(3)));
        } catch (error) {
          console.log(error.name, zeroCopy.problem);
        }`;
      const flags = ["run", "--no-config", "--no-check", ...grant];
      const path = await Deno.makeTempFile({ suffix: ".ts" });
      await Deno.writeTextFile(path, program);
      const { text, errors } = await output(Deno.execPath(), [...flags, path]);
      await Deno.remove(path);
      assertEquals([text, errors], [`${outcome}\n`, ""]);
    });
  }
}
