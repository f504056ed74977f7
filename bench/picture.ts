/**
 * Draws what http.ts and idle.ts have measured: bench/results/throughput.svg and memory.svg.
 *
 *     deno run -A bench/picture.ts
 */
import { parse, View } from "npm:vega@6";
import { compile, type TopLevelSpec } from "npm:vega-lite@6";
import { REFERENCE } from "./_hello_servers.ts";
import type { Table } from "./_report.ts";

const results = new URL("results/", import.meta.url);

interface Report {
  deno: string;
  os: string;
  tables: Table[];
}

async function read(name: string): Promise<Report> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL(`${name}.json`, results)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(`Nothing has been measured yet: deno run -A bench/${name}.ts`);
    Deno.exit(1);
  }
}

/** A row of bars for each server, in panels side by side. */
interface Bars {
  title: string;
  subtitle: string;
  unit: string;
  /** Panel, server, value and what is written beside the bar. */
  values: { panel: string; server: string; value: number; label: string }[];
}

async function draw(file: string, { title, subtitle, unit, values }: Bars): Promise<void> {
  const servers = [...new Set(values.map(({ server }) => server))];
  const panels = [...new Set(values.map(({ panel }) => panel))];
  const y = { field: "server", type: "nominal", sort: servers, title: null } as const;
  const x = { field: "value", type: "quantitative", title: unit } as const;
  const spec: TopLevelSpec = {
    background: "white",
    padding: 12,
    title: { text: title, subtitle, anchor: "start" },
    config: { view: { stroke: null }, axis: { labelFontSize: 12, titleFontSize: 12 } },
    hconcat: panels.map((panel, i) => ({
      title: { text: panel, fontWeight: "normal", fontSize: 12 },
      width: 260,
      height: { step: 26 },
      data: { values: values.filter((value) => value.panel === panel) },
      encoding: { y: i === 0 ? y : { ...y, axis: null } },
      layer: [
        {
          mark: { type: "bar", height: 17 },
          encoding: {
            x: { ...x, axis: { grid: true, tickCount: 4, format: "~s" } },
            color: {
              condition: { test: "indexof(datum.server, 'weightless') == 0", value: "#1f77b4" },
              value: "#b8bfc6",
            },
          },
        },
        {
          mark: { type: "text", align: "left", dx: 4, fontSize: 11 },
          encoding: { x, text: { field: "label" } },
        },
      ],
    })),
  };
  const svg = await new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
  // JSR takes a file for a picture only if `</svg>` is its end.
  await Deno.writeTextFile(new URL(file, results), svg);
  console.log(`Drawn: bench/results/${file}`);
}

const http = await read("http");
const [plain, pipelined] = http.tables;
await draw("throughput.svg", {
  title: "Requests a second",
  subtitle: `hello server, 64 connections, wrk; × ${REFERENCE}; Deno ${http.deno}`,
  unit: "requests/s",
  values: ([["one request at a time", plain!], ["16 requests pipelined", pipelined!]] as const)
    .flatMap(([panel, { rows }]) =>
      rows.map((row) => ({
        panel,
        server: String(row["server"]),
        value: Number(row["requests/s"]),
        label: `× ${row[`× ${REFERENCE}`]}`,
      }))
    ),
});

const idle = await read("idle");
const { title, rows } = idle.tables[0]!;
const moments = Object.keys(rows[0]!).filter((column) => column.startsWith("KB each"));
await draw("memory.svg", {
  title: "Memory of an idle connection",
  subtitle: `${title}: what a server has more for each; Deno ${idle.deno}`,
  unit: "KB",
  values: moments.flatMap((moment) =>
    rows.map((row) => ({
      panel: moment.replace("KB each, ", ""),
      server: String(row["server"]),
      value: Number(row[moment]),
      label: `${Math.round(10 * Number(row[moment])) / 10}`,
    }))
  ),
});
