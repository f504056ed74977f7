/** A program that uses a client in one of these ways and does not close it: `deno run … WAY URL`. */
import { HttpClient } from "../../http/mod.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Each gives what it got. `/whole` is answered by "hello", `/part` by "he" and then silence. */
export const ways: Record<string, (client: HttpClient, url: string) => Promise<unknown>> = {
  "does not read the response": async (client, url) => (await client.get(`${url}/whole`)).status,
  "does not read a response that is not there": async (client, url) =>
    (await client.get(`${url}/part`)).status,
  "reads half of a stream": async (client, url) => {
    const reader = (await client.get(`${url}/part`)).stream().getReader();
    return new TextDecoder().decode((await reader.read()).value);
  },
  "drops a response": async (client, url) => {
    using response = await client.get(`${url}/part`);
    return response.status;
  },
  "closes the client with a response unread": async (client, url) => {
    const { status } = await client.get(`${url}/part`);
    client.close();
    return status;
  },
  "pauses between two requests": async (client, url) => {
    await (await client.get(`${url}/whole`)).text();
    await pause(150);
    return await (await client.get(`${url}/whole`)).text();
  },
  "sends a stream": async (client, url) => {
    const body = ReadableStream.from([new Uint8Array(10)]);
    return (await client.post(`${url}/whole`, { body })).status;
  },
  "gives up": async (client, url) => {
    const abort = new AbortController();
    const asking = client.get(`${url}/silence`, { signal: abort.signal });
    setTimeout(() => abort.abort("enough"), 20);
    return await asking.then(() => "?", (reason) => reason);
  },
};

if (import.meta.main) {
  const [way = "", url = ""] = Deno.args;
  console.log(await ways[way]!(new HttpClient(), url));
}
