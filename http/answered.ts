/**
 * What became of a request: the answer that its client got.
 *
 * @category Logs
 */
export interface Answered {
  /** The status of the answer. It is 0 if there was none. */
  readonly status: number;
  /** How many bytes of a body were given for the answer. */
  readonly bytes: number;
  /** When the head had come, or was refused, in milliseconds since 1970. */
  readonly time: number;
  /** How long it took from then to the end of the answer, in milliseconds. */
  readonly ms: number;
}
