/** Thrown at a bare `yield` when there is no more input and never will be. */
export class EndOfStream extends Error {
  override readonly name = "EndOfStream";
}
