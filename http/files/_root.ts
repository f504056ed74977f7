import { existsSync } from "node:fs";
import { openPlain, type PlainFile } from "../../reactor/linux/_plain_file.ts";
import { isHidden } from "./_names.ts";
import { SEPARATOR } from "./_separator.ts";

/*
 * A folder, and what is in it. The rules, which hold for each file that is opened:
 *
 * 1. Only its real path counts, without any links. It must be in the folder, unless links are to be
 *    followed. Hidden names in it are hidden, too.
 * 2. Only regular files are opened. To open a FIFO would block the whole program, and a device may
 *    do anything.
 * 3. Where the kernel can be asked directly, it opens only what has no link in its path. Then nothing
 *    can come between. Otherwise, what was opened is compared to what was looked at: if another file
 *    came into its place meanwhile, there is none.
 * 4. All of it is synchronous. Each call takes some microseconds on a local disk, as long as the
 *    kernel has its directory in memory. A thread for each would take ten times as long.
 * 5. Nothing is remembered, so nothing can be out of date.
 */

const MAX_WALK = 2;

/** A file that is open. */
export interface Opened {
  readonly file: Deno.FsFile | PlainFile;
  /** What it was when it was opened: bytes, and milliseconds since 1970. */
  readonly size: number;
  readonly modified: number | undefined;
}

/** Why nothing can be opened, as a status. */
export type Refusal = 403 | 404 | 503;

/** What is permitted. */
export interface RootOptions {
  readonly followLinks: boolean;
  readonly dotfiles: "ignore" | "allow";
}

export class Root {
  readonly #path: string;
  /** Its path with a separator at the end. */
  readonly #inside: string;
  /** Whether Deno permits to read all that is in it. The kernel is not asked otherwise. */
  readonly #isReadable: boolean;
  readonly #options: RootOptions;

  /** @throws If there is no such directory, or it must not be read. */
  constructor(path: string | URL, options: RootOptions) {
    try {
      this.#path = Deno.realPathSync(path);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      throw new Deno.errors.NotFound(
        `Cannot serve the files of ${path}: there is no such directory`,
        { cause },
      );
    }
    this.#inside = this.#path.endsWith(SEPARATOR) ? this.#path : this.#path + SEPARATOR;
    const read = Deno.permissions.querySync({ name: "read", path: this.#path });
    this.#isReadable = read.state === "granted" && read.partial !== true;
    this.#options = options;
    if (!Deno.statSync(this.#path).isDirectory) {
      throw new TypeError(`Cannot serve the files of ${path}: it is no directory`);
    }
  }

  /** Opens the file with these names; for a directory it returns its path. */
  open(names: readonly string[]): Opened | string | Refusal {
    if (this.#options.dotfiles === "ignore" && isHidden(names)) return 404;
    const path = this.#inside + names.join(SEPARATOR);
    const plain = this.#isReadable ? openPlain(path) : undefined;
    if (plain === "directory") return path;
    if (plain !== undefined) return { file: plain, ...plain.info };
    try {
      const found = this.#find(names);
      if (found === undefined) return 404;
      const { real, info: { isDirectory, isFile, ino, dev } } = found;
      if (isDirectory) return real;
      if (!isFile) return 404;
      const file = Deno.openSync(real);
      try {
        const info = file.statSync();
        if (info.isFile && info.ino === ino && info.dev === dev) {
          return { file, size: info.size, modified: info.mtime?.getTime() };
        }
      } catch (error) {
        file.close();
        throw error;
      }
      file.close();
      return 404;
    } catch (error) {
      return refusalOf(error);
    }
  }

  /**
   * Whether there is anything with these names, whatever it is. To find out that there is nothing
   * costs a tenth of an error.
   */
  has(names: readonly string[]): boolean {
    return existsSync(this.#inside + names.join(SEPARATOR));
  }

  /** Tells whether a name in a directory would be served, and as what. */
  kindOf(names: readonly string[]): "file" | "directory" | undefined {
    if (this.#options.dotfiles === "ignore" && isHidden(names)) return undefined;
    try {
      const info = this.#find(names)?.info;
      return info?.isFile ? "file" : info?.isDirectory ? "directory" : undefined;
    } catch {
      return undefined;
    }
  }

  /** The real path, and what is there, if that may be served. */
  #find(names: readonly string[]): Found | undefined {
    const { followLinks, dotfiles } = this.#options;
    const inside = this.#inside;
    const path = inside + names.join(SEPARATOR);
    if (followLinks) return { real: path, info: Deno.statSync(path) };
    const found = walk(inside, names);
    if (found !== undefined) return found;
    const real = Deno.realPathSync(path);
    if (real !== this.#path) {
      if (!real.startsWith(inside)) return undefined;
      const isSame = real === path || dotfiles === "allow";
      if (!isSame && isHidden(real.slice(inside.length).split(SEPARATOR))) return undefined;
    }
    return { real, info: Deno.statSync(real) };
  }
}

/** What is at a real path. */
interface Found {
  readonly real: string;
  readonly info: Deno.FileInfo;
}

/**
 * Finds what has a short path without any link in it. To look at two names takes half the time of
 * asking for the real path, which looks at those of the root as well.
 */
function walk(inside: string, names: readonly string[]): Found | undefined {
  if (names.length === 0 || names.length > MAX_WALK || SEPARATOR === "\\") return undefined;
  let real = inside;
  for (let i = 0;; i++) {
    real += names[i]!;
    const info = Deno.lstatSync(real);
    if (info.isSymlink) return undefined;
    if (i === names.length - 1) return { real, info };
    real += SEPARATOR;
  }
}

/** The status that tells of a failure; an error of the disk is thrown. */
function refusalOf(error: unknown): Refusal {
  switch ((error as { code?: string }).code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ELOOP":
    case "ENAMETOOLONG":
    case "EINVAL":
    case "ENXIO":
      return 404;
    case "EACCES":
    case "EPERM":
      return 403;
    case "EMFILE":
    case "ENFILE":
      return 503;
  }
  if (error instanceof Deno.errors.NotCapable) return 403;
  throw error;
}
