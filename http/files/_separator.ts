/** What separates the names in a path of this system. */
export const SEPARATOR: "/" | "\\" = Deno.build.os === "windows" ? "\\" : "/";
