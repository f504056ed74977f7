// Reads requests with llhttp, the parser of Node: a JSON array of texts (a character for each byte) on standard input,
// and for each of them on standard output the messages that it found. With the argument "responses", it reads what came
// as the responses to GET, up to the end of the connection.
const { HTTPParser, methods } = require("node:_http_common");

const areResponses = process.argv[2] === "responses";

const pairs = (list) => {
  const result = [];
  for (let i = 0; i < list.length; i += 2) result.push([list[i].toLowerCase(), list[i + 1]]);
  return result;
};

function read(text) {
  const messages = [];
  let message;
  let early = [];
  const parser = new HTTPParser();
  parser.initialize(areResponses ? HTTPParser.RESPONSE : HTTPParser.REQUEST, {});
  parser[HTTPParser.kOnHeaders] = (headers, url) => {
    if (message === undefined) early.push(...headers);
    else message.trailers.push(...pairs(headers));
    if (url && message === undefined) early.url = (early.url ?? "") + url;
  };
  parser[HTTPParser.kOnHeadersComplete] = (major, minor, headers, method, url, status, reason) => {
    message = {
      ...(areResponses
        ? { status, reason }
        : { method: methods[method], target: url || early.url }),
      version: `${major}.${minor}`,
      headers: pairs(headers ?? early),
      body: "",
      trailers: [],
    };
    early = [];
    return 0;
  };
  parser[HTTPParser.kOnBody] = (bytes) => {
    message.body += bytes.toString("latin1");
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    messages.push(message);
    message = undefined;
  };
  let result = parser.execute(Buffer.from(text, "latin1"));
  if (areResponses && !(result instanceof Error)) result = parser.finish() ?? result;
  const error = result instanceof Error ? result.code : undefined;
  parser.close();
  return { messages, error };
}

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => {
  const texts = JSON.parse(Buffer.concat(chunks).toString());
  process.stdout.write(JSON.stringify(texts.map(read)));
});
