/**
 * Makes `yield* reader()` an error at that line. Without call() it would give the object of
 * pushBack() instead of the value. Compose does not need the iterator of a coroutine.
 */
export function onlyToBeCalled<F extends { prototype: object }>(reader: F): F {
  Object.defineProperty(reader.prototype, Symbol.iterator, {
    value() {
      throw new TypeError(
        "Cannot give a reader to yield* itself: write yield* call(readLine()), not yield* readLine()",
      );
    },
  });
  return reader;
}
