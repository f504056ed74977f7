/** Redis itself, for the tests. */
import { hostname } from "../_sockets.ts";
import { waitedFor } from "./_server.ts";

/** A port that nobody uses at the moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #process: Deno.ChildProcess;

  private constructor(port: number) {
    this.port = port;
    const args = ["--port", `${port}`, "--bind", hostname, "--save", "", "--appendonly", "no"];
    const command = new Deno.Command("redis-server", { args, stdout: "null", stderr: "null" });
    this.#process = command.spawn();
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(freePort());
    if (await waitedFor(() => answers(server.port))) return server;
    throw new Error("redis-server does not begin to listen");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
  }
}

function answers(port: number): boolean {
  const args = ["-p", `${port}`, "PING"];
  const { stdout } = new Deno.Command("redis-cli", { args, stderr: "null" }).outputSync();
  return new TextDecoder().decode(stdout) === "PONG\n";
}
