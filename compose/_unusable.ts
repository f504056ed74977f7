/**
 * Something that may come where a value is expected, but is none. Asking it for a property, making
 * text of it or yielding it is an error that says what went wrong, at that line. It can be
 * inspected.
 */
export abstract class Unusable {
  /** What went wrong, as a message of an error. */
  abstract readonly misuse: string;

  static {
    Object.setPrototypeOf(
      this.prototype,
      new Proxy(Object.create(null), {
        get(_, key, self: Unusable) {
          if (typeof key === "string" || key === Symbol.toPrimitive || key === Symbol.iterator) {
            throw new TypeError(self.misuse);
          }
        },
      }),
    );
    // Compose looks closer at requests than at data, so that a look for these costs nothing.
    Object.defineProperty(this.prototype, Symbol.for("weightless.request"), { value: true });
  }
}
