import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Slip, SLIPS } from "./_slips.ts";

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

const slips: Slip[] = Object.values(SLIPS).flat();

for (const { wrote, see, program } of slips) {
  Deno.test(`the slip is told with its mend: ${wrote}`, async () => {
    if (see.startsWith("nothing:")) return void await program();
    const error = await assertRejects(async () => await program(), Error);
    // `…` stands for something, also where it is a part of what is said.
    assertMatch(error.message, new RegExp(`^${see.split("…").map(escaped).join("[^]*")}$`));
  });
}

/** A row of docs/slips.md. */
function line({ wrote, see, write }: Slip): string {
  const cells = [wrote, see, write].map((cell) => {
    const ticks = cell.includes("`") ? "``" : "`";
    const space = /^`|`$/.test(cell) ? " " : "";
    return `${ticks}${space}${cell.replaceAll("|", "\\|")}${space}${ticks}`;
  });
  return `| ${cells.join(" | ")} |`;
}

/** A line of a table, whatever its width. */
const narrow = (text: string) => text.replaceAll(/ +\|/g, " |");

Deno.test("docs/slips.md has the slips that are tested, in their order", async () => {
  const text = await Deno.readTextFile(new URL("../docs/slips.md", import.meta.url));
  const lines = text.split("\n").filter((line) => line.startsWith("| `")).map(narrow);
  assertEquals(lines, slips.map(line));
  const titles = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  assertEquals(titles, Object.keys(SLIPS));
});
