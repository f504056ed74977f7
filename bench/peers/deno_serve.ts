// The hello server as Deno.serve would have it.
Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => console.log(`Listening on http://127.0.0.1:${port}/`),
}, () => new Response("Hello!", { headers: { "content-type": "text/plain" } }));
