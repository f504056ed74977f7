/**
 * How much was transferred.
 *
 * @category Zero-copy
 */
export interface Transferred {
  /** The number of bytes that arrived at the target. */
  bytes: number;
  /** How many of these the kernel moved by itself. */
  spliced: number;
  /** How many of these were read and written. */
  copied: number;
}

/**
 * How much was transferred between two ends, in both directions.
 *
 * @category Zero-copy
 */
export interface TransferredBothWays {
  /** From the first to the second. */
  forth: Transferred;
  /** From the second to the first. */
  back: Transferred;
}
