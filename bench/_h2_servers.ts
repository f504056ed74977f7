/** Servers of HTTP/2 that stand beside ours, each in one thread: a folder with the hello of the others in its index.html. */
import { file, startOnFreePort } from "./_ends.ts";
import { has, here, type Server, start } from "./_servers.ts";

const hostname = "127.0.0.1";
const HELLO = "Hello!"; // as examples/hello.ts
/** So many descriptors are allowed. */
export const DESCRIPTORS = 20000;

/** examples/hello.ts, and Deno.serve with the same. */
export function oursHello(): Promise<Server> {
  const args = ["run", "-A", here("../examples/hello.ts"), "--port", "0", "--selector", "epoll"];
  return start(Deno.execPath(), args);
}

export function denoHello(): Promise<Server> {
  return start(Deno.execPath(), ["run", "-A", here("peers/deno_serve.ts")]);
}

/** A server that offers what `Abused` does, and tells how it stands. */
export function ours(timeoutMs: number, ...tls: string[]): Promise<Server> {
  const args = ["epoll", "20000", String(timeoutMs), ...tls];
  return start(Deno.execPath(), ["run", "-A", here("peers/abused.ts"), ...args], DESCRIPTORS);
}

export function denoServe(...tls: string[]): Promise<Server> {
  const args = ["run", "-A", here("peers/h2_deno_serve.ts"), ...tls];
  return start(Deno.execPath(), args, DESCRIPTORS);
}

/** nghttpd and h2o, as far as they are installed. */
export async function others(): Promise<Record<string, () => Promise<Server>>> {
  return {
    ...(await found("nghttpd") && { nghttpd }),
    ...(await found("h2o") && { h2o }),
  };
}

async function found(command: string): Promise<boolean> {
  if (await has(command)) return true;
  console.error(`Without ${command} it is left out: apt-get install nghttp2-server h2o`);
  return false;
}

function nghttpd(): Promise<Server> {
  return startOnFreePort("nghttpd", (port, folder) => {
    Deno.writeTextFileSync(`${folder}/index.html`, HELLO);
    return ["--no-tls", "-n1", "-a", hostname, "-d", folder, String(port)];
  });
}

function h2o(): Promise<Server> {
  return startOnFreePort("h2o", (port, folder) => {
    Deno.writeTextFileSync(`${folder}/index.html`, HELLO);
    const config = [
      "num-threads: 1",
      "user: root",
      `max-connections: ${DESCRIPTORS}`,
      "http2-idle-timeout: 3600",
      `listen: { host: ${hostname}, port: ${port} }`,
      `hosts: { default: { paths: { "/": { file.dir: ${folder} } } } }`,
    ];
    return ["-c", file(`${folder}/h2o.conf`, config)];
  });
}
