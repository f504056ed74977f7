/**
 * A content coding of which there may be a sibling: `app.js.br`, `app.js.zst`, `app.js.gz`.
 *
 * @category Files
 */
export type SiblingCoding = "br" | "zstd" | "gzip";

/**
 * Options of {@linkcode files}.
 *
 * @category Files
 */
export interface FilesOptions {
  /**
   * The name of the file that is the answer for a directory, or false if there is none.
   *
   * @default {"index.html"}
   */
  index?: string | false;
  /**
   * Whether the answer for a directory without an index is a page that lists its files. If not, it
   * is 404.
   *
   * @default {false}
   */
  listing?: boolean;
  /**
   * The codings of which there may be siblings, the best first: `["br", "gzip"]`. Where one exists,
   * those who accept it get `app.js.br` for `app.js`. A sibling must have the same content.
   *
   * @default {[]}
   */
  precompressed?: readonly SiblingCoding[];
  /**
   * The value of Cache-Control for files, or a function that tells it for the path of a file from
   * the root on, decoded, such as `assets/app.js`.
   *
   * @default {no such header}
   */
  cacheControl?: string | ((path: string) => string | undefined);
  /**
   * Whether names that begin with a dot are served. If not, they are 404, but for `/.well-known/`
   * (RFC 8615).
   *
   * @default {"ignore"}
   */
  dotfiles?: "ignore" | "allow";
  /**
   * Whether links that leave the root are followed. If not, what is behind them is 404. A hidden
   * name behind a link is served, too.
   *
   * @default {false}
   */
  followLinks?: boolean;
}
