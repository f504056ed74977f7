/** Below this, a loop is faster than a view and its copy. */
const FEW = 96;

/** Copies the bytes from `from` to before `to` into `target` at `at`. The ranges do not overlap. */
export function copy(
  bytes: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): void {
  if (to - from > FEW) target.set(bytes.subarray(from, to), at);
  else for (let i = from; i < to; i++) target[at++] = bytes[i]!;
}
