/** How much was transferred. */
export interface Transferred {
  /** The number of bytes that arrived where they should. */
  bytes: number;
  /** Of these, how many the kernel moved by itself, … */
  spliced: number;
  /** … and how many were read and written. */
  copied: number;
}

/** What was transferred between two ends, in both directions. */
export interface TransferredBothWays {
  /** From the first to the second. */
  forth: Transferred;
  /** From the second to the first. */
  back: Transferred;
}
