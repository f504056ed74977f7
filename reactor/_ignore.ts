/** For errors and calls that need no reaction. */
export function ignore(): void {}
