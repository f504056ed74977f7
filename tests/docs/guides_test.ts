/** Each guide, followed as its reader does. What `deno test --doc` runs of them is not run again. */
import { follow, guides } from "./_guide.ts";

// README.md joins them as soon as its programs can be saved and run.
for (const name of guides()) {
  Deno.test(`${name} can be followed by copy and paste`, () => follow(name));
}
