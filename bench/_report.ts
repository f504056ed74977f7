/** What all benchmarks share: medians, a table on the terminal, and the same rows as JSON. */

/** One line of a table: the first cell names it. */
export type Row = Record<string, string | number>;

/** One table of results. */
export interface Table {
  title: string;
  rows: Row[];
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Three significant digits, with thousands left as they are. */
export function round(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}

export function printTable({ title, rows }: Table): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? "")));
  const widths = columns.map((column, i) =>
    Math.max(column.length, ...cells.map((line) => line[i]!.length))
  );
  const line = (texts: string[]) =>
    texts.map((text, i) => i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)).join("  ")
      .trimEnd();
  console.log(
    `\n${title}\n${line(columns)}\n${widths.map((width) => "-".repeat(width)).join("  ")}`,
  );
  for (const texts of cells) console.log(line(texts));
}

/** Writes tables, and what they were measured on, to bench/results/NAME.json. */
export async function writeJson(name: string, tables: Table[]): Promise<void> {
  const folder = new URL("results/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  const report = {
    name,
    date: new Date().toISOString(),
    deno: Deno.version.deno,
    os: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    cores: navigator.hardwareConcurrency,
    tables,
  };
  const file = new URL(`${name}.json`, folder);
  await Deno.writeTextFile(file, JSON.stringify(report, null, 2) + "\n");
  console.log(`\nWritten: bench/results/${name}.json`);
}
