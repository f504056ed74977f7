// The hello server as node:http would have it; runs on Node and on Deno.
import { createServer } from "node:http";

const server = createServer((_request, response) => {
  response.writeHead(200, { "content-type": "text/plain" });
  response.end("Hello!");
});
// As the others, it does not close idle connections.
server.keepAliveTimeout = 0;
server.listen(
  0,
  "127.0.0.1",
  () => console.log(`Listening on http://127.0.0.1:${server.address().port}/`),
);
