/** The programs of a guide, to be compared with the code in its tables. */

/** Code without what deno fmt may put between two words. */
export function bare(code: string): string {
  return code.replaceAll(/\s+/g, "").replaceAll(",)", ")");
}

/** The `ts` blocks of a guide, bare. */
export function programsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts[^\n]*\n(.*?)^```/gms)].map(([, code]) => bare(code!));
}
