/** What an operation throws that comes too late. */
export function closedError(doing: string): Error {
  return new Deno.errors.BadResource(
    `Cannot ${doing}: the socket is closed${doing === "send" ? " or shut down" : ""}`,
  );
}
