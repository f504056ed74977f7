/** The error of an operation on a closed socket. */
export function closedError(doing: string): Error {
  return new Deno.errors.BadResource(
    `Cannot ${doing}: the socket is closed${doing === "send" ? " or shut down" : ""}`,
  );
}
