import type { CompressionOptions } from "./content/compression_for.ts";
import type { DecompressOptions } from "./content/decompress.ts";

/** Which bodies are encoded and decoded. */
export interface Codings {
  readonly compression: CompressionOptions | undefined;
  readonly decompression: DecompressOptions | undefined;
}
