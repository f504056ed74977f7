import { type Libc, libc, replaceLibc } from "../../reactor/linux/_libc.ts";

/** What is called instead of a function of the C library, and gets the real one first; `null` where there is none. */
export type Faults = {
  [Name in keyof Libc]?:
    | ((
      real: NonNullable<Libc[Name]>,
      ...args: Parameters<NonNullable<Libc[Name]>>
    ) => ReturnType<NonNullable<Libc[Name]>>)
    | (null extends Libc[Name] ? null : never);
};

/** Until it is disposed of, selectors that are made get a C library with these faults. */
export function faultyLibc(faults: Faults): Disposable {
  const real = libc()!;
  const faulty = { ...real } as Record<string, unknown>;
  for (const [name, fault] of Object.entries(faults)) {
    faulty[name] = fault &&
      (fault as (...args: unknown[]) => unknown).bind(null, real[name as keyof Libc]);
  }
  replaceLibc(faulty as Libc);
  return { [Symbol.dispose]: () => void replaceLibc(real) };
}
