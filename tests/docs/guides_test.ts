/** Each guide, followed as its reader does. What `deno test --doc` runs of them is not run again. */
import { follow, guides } from "./_guide.ts";

for (const name of ["README.md", ...guides()]) {
  Deno.test(`${name} can be followed by copy and paste`, () => follow(name));
}
