export class PushBack {
  constructor(readonly value: unknown, readonly rest: unknown[]) {}
}

export function pushBack<T>(value: T, ...rest: unknown[]): T {
  return new PushBack(value, rest) as T;
}
