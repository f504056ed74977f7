/**
 * What `Abused` does for clients of HTTP/2, as Deno.serve would have it, by TLS if there is a certificate:
 *
 *     deno run -A bench/peers/h2_deno_serve.ts [CERT KEY]
 */
const [cert, key] = Deno.args;
const piece = new Uint8Array(64 * 1024).fill(120);

async function handler(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/never":
      return await new Promise(() => {});
    case "/later":
      await new Promise((resolve) => setTimeout(resolve, Number(searchParams.get("ms"))));
      return new Response("later");
    case "/download": {
      let left = Number(searchParams.get("size"));
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (left > 0) controller.enqueue(piece.subarray(0, left));
            else controller.close();
            left -= piece.length;
          },
        }),
      );
    }
    case "/upload": {
      let length = 0;
      for await (const piece of request.body ?? []) length += piece.length;
      return new Response(String(length));
    }
    default:
      return new Response("Hello!", { headers: { "content-type": "text/plain" } });
  }
}

Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => console.log(`Listening on http://127.0.0.1:${port}/`),
  onError: () => new Response("", { status: 500 }),
  ...(cert !== undefined && key !== undefined && {
    cert: Deno.readTextFileSync(cert),
    key: Deno.readTextFileSync(key),
  }),
}, handler);
