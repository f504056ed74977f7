/**
 * A content coding that can be made and read here (RFC 9110 8.4.1, RFC 7932, RFC 8878).
 *
 * @category Compression
 */
export type ContentCoding = "gzip" | "deflate" | "br" | "zstd";
