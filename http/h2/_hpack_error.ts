/**
 * A header block cannot be decoded, so the table is not that of the peer any more. RFC 9113 4.3: this
 * ends the connection, with COMPRESSION_ERROR.
 */
export class HpackError extends Error {
  override readonly name = "HpackError";
}
