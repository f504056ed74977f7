/** An error that leaves a composed coroutine, as a value: to throw it would cost a microsecond. */
export class Thrown {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

export function orThrow<T>(result: T | Thrown): T {
  if (result instanceof Thrown) throw result.error;
  return result;
}
