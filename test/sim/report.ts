/** The comparison as a Markdown page and as a plot that reads in light and dark. Pure: figures in, text out. */
import type { Bounds } from './bounds.ts';
import type { Row, Waits } from './compare.ts';

export interface Result {
  trace: string;
  jobs: number;
  bounds: Bounds;
  rows: Row[];
}

/** One trace where instances slow each other down: ours, and ours as if it did not know. */
export interface SharedResult {
  sharing: number;
  trace: string;
  ours: Row;
  unaware: Row;
}

const seconds = (ms: number): string => (ms < 9_950 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000).toString());
const violations = ({ outcome }: Row): number =>
  outcome.capExceeded + outcome.doubleLoads + outcome.doubleRuns + outcome.orderViolations;

export function markdown(
  results: readonly Result[],
  shared: readonly SharedResult[],
  command: string,
  seed: number,
): string {
  const parts = [
    `# The scheduler against other policies

Made by \`${command}\` (seed ${seed}); the same command gives the same figures on any machine. It runs the daemon's own
\`plan\` under a virtual clock, in a world of two 24 GB GPUs, five recognizers of 1 to 10 GB and three later stages.
A recording has one to four stages; most last minutes, a few an hour. All policies have the same ceilings: 5
instances per device, 10 in all, 8 attempts at once.

![Makespan and waits of each policy on each trace](images/scheduler.svg)

- **Makespan ÷ bound**: the end of all work, divided by a lower bound that no policy can beat: the largest of
  memory-time over capacity, work over slots, longest job, and the linear program over configurations (which
  instances fit on a device together). The bound ignores loads, decoding and accidents.
- **Wait**: from arrival until work on the first words begins. **Done**: from arrival to the complete text. Mean / 95th
  percentile / largest, in seconds.
- **Large**: jobs that use a model of 8 GB or more and have at least 30 s of work.
- **Memory used**: the share of the memory held by instances over time that a running attempt used.
- **Violations**: over the cap, two loads at once on a device, two attempts in an instance, steps of a job out of order.

In the tables of the traces instances on one device do not slow each other down, so the figures compare decisions, not
GPUs. [Where they do](#where-instances-slow-each-other-down) is a table of its own.
`,
  ];
  for (const { trace, jobs, bounds, rows } of results) {
    parts.push(`## ${trace[0]!.toUpperCase()}${trace.slice(1)}

${jobs} jobs. Lower bounds: memory-time ${seconds(bounds.memoryTimeMs)} s, slots ${seconds(bounds.slotsMs)} s,
longest job ${seconds(bounds.longestJobMs)} s, configurations ${seconds(bounds.configurationsMs)} s.

| policy | makespan ÷ bound | wait, s | done, s | wait of small, s | wait of large, s | memory used | loads | out of memory | lost | violations |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.map(row => `| ${row.policy} | ${row.overBound.toFixed(2)} | ${[row.wait, row.turnaround, row.small, row.large].map(each => [each.meanMs, each.p95Ms, each.largestMs].map(seconds).join(' / ')).join(' | ')} | ${Math.round(row.memoryUsed * 100)} % | ${row.outcome.loads} | ${row.outcome.outOfMemory} | ${row.outcome.lost.length} | ${violations(row)} |`).join('\n')}
`);
  }
  const both = (ours: string, unaware: string): string => `${ours} (${unaware})`;
  const waitOf = ({ meanMs, p95Ms, largestMs }: Waits): string => [meanMs, p95Ms, largestMs].map(seconds).join(' / ');
  const held = ({ outcome }: Row): string => Math.round(outcome.heldByteMs / 1024 ** 3 / 1000).toString();
  parts.push(`## Where instances slow each other down

Assumed here: n instances that work at once on a device each take 1 + s (n − 1) times as long as one alone. With s = 0.5
two do 1.33 times the work of one and five 1.67 times; with s = 1 any number does what one does. The world knows s; the
plan knows what was measured from attempts, as in the daemon, and begins with nothing. In parentheses: the same plan as
if it did not know of slowdown. The bound is that of the table above, which ignores slowdown, so it cannot be reached.
Memory held: GiB times seconds, by all instances.

| trace | s | makespan ÷ bound | wait, s | done, s | loads | memory held, GiB·s | lost | violations |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${shared.map(({ trace, sharing, ours, unaware }) => `| ${trace} | ${sharing} | ${both(ours.overBound.toFixed(2), unaware.overBound.toFixed(2))} | ${both(waitOf(ours.wait), waitOf(unaware.wait))} | ${both(waitOf(ours.turnaround), waitOf(unaware.turnaround))} | ${both(`${ours.outcome.loads}`, `${unaware.outcome.loads}`)} | ${both(held(ours), held(unaware))} | ${ours.outcome.lost.length} | ${violations(ours)} |`).join('\n')}
`);
  parts.push(`## The policies

- **Earshot**: \`daemon/scheduler/plan.ts\`, at its defaults.
- **serial, first come**: one job after the other, one attempt at a time; its models stay loaded while there is room.
- **one model at a time**: one model in memory; everything that is ready for it runs before the next one is loaded.
- **first fit**: each job loads its own instances on the first device with enough free memory and releases them at
  the end of the stage.
- **first fit, memory by duration**: the same, assuming that memory grows by 30 % of the model for each 3 minutes
  beyond the first 3, plus 20 %.
- **loaded first, evict idle**: loaded models first, one instance per model; the one that was idle longest is evicted
  when room is needed; no reservations, no replicas.
`);
  return parts.join('\n');
}

// the plot

const COLOURS: readonly (readonly [light: string, dark: string])[] = [
  ['#0b62d6', '#5aa9ff'],
  ['#8a8f98', '#8a8f98'],
  ['#b3792a', '#d9a352'],
  ['#b5345f', '#f0789f'],
  ['#7a3db8', '#b98af0'],
  ['#1f8a5b', '#4fcf97'],
];
const WIDTH = 980,
  LEFT = 210,
  GAP = 56,
  TOP = 96,
  ROW = 46,
  BOTTOM = 44;

export function plot(results: readonly Result[]): string {
  const height = TOP + results.length * ROW + BOTTOM;
  const panel = (WIDTH - LEFT - GAP - 24) / 2;
  const left = {
    x: LEFT,
    low: 1,
    high: 12,
    ticks: [1, 1.5, 2, 3, 5, 8, 12],
    label: 'makespan ÷ lower bound',
    value: (row: Row) => row.overBound,
    unit: '×',
  };
  const right = {
    x: LEFT + panel + GAP,
    low: 1,
    high: 6000,
    ticks: [1, 10, 60, 600, 6000],
    label: 'mean wait for the first words',
    value: (row: Row) => row.wait.meanMs / 1000,
    unit: ' s',
  };
  const at = (axis: typeof left, value: number): number =>
    axis.x +
    (panel * Math.log(Math.min(axis.high, Math.max(axis.low, value)) / axis.low)) / Math.log(axis.high / axis.low);
  const lines: string[] = [];
  for (const axis of [left, right]) {
    lines.push(`<text class="axis" x="${axis.x}" y="${TOP - 24}">${axis.label}</text>`);
    for (const tick of axis.ticks) {
      const x = at(axis, tick).toFixed(1);
      lines.push(
        `<line class="grid" x1="${x}" x2="${x}" y1="${TOP - 10}" y2="${height - BOTTOM + 4}"/><text ` +
          `class="tick" x="${x}" y="${height - BOTTOM + 22}">${tick}${axis.unit}</text>`,
      );
    }
  }
  results.forEach(({ trace, rows }, place) => {
    const y = TOP + place * ROW + ROW / 2;
    if (place % 2 === 0) lines.push(`<rect class="band" x="0" y="${y - ROW / 2}" width="${WIDTH}" height="${ROW}"/>`);
    lines.push(`<text class="trace" x="${LEFT - 20}" y="${y + 4}">${trace}</text>`);
    for (const axis of [left, right]) {
      const values = rows.map(row => at(axis, axis.value(row)));
      lines.push(
        `<line class="span" x1="${Math.min(...values).toFixed(1)}" x2="${Math.max(...values).toFixed(1)}" ` +
          `y1="${y}" y2="${y}"/>`,
      );
      // Ours last, so that it lies on top.
      for (let i = rows.length - 1; i >= 0; i--)
        lines.push(
          `<circle class="p${i}" cx="${values[i]!.toFixed(1)}" cy="${y}" ` +
            `r="${i === 0 ? 7.5 : 5}"><title>${rows[i]!.policy}, ${trace}: ` +
            `${axis.value(rows[i]!).toFixed(2)}${axis.unit}</title></circle>`,
        );
    }
  });
  const legend: string[] = [];
  let x = 24;
  (results[0]?.rows ?? []).forEach(({ policy }, i) => {
    legend.push(
      `<circle class="p${i}" cx="${x}" cy="40" r="${i === 0 ? 7.5 : 5}"/><text ` +
        `class="${i === 0 ? 'key ours' : 'key'}" x="${x + 13}" y="44.5">${policy}</text>`,
    );
    x += 13 + policy.length * (i === 0 ? 8 : 6.7) + 26;
  });
  const colours = (shade: 0 | 1): string => COLOURS.map((pair, i) => `.p${i}{fill:${pair[shade]}}`).join('');
  // Bands lie under everything else.
  lines.sort((a, b) => Number(b.startsWith('<rect')) - Number(a.startsWith('<rect')));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Makespan over the lower bound, and mean wait, of six policies on ${results.length} traces; further left is better">
<style>
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#24292f}
.paper{fill:#ffffff}.band{fill:#f4f6f8}
.grid{stroke:#d8dde3;stroke-width:1}.span{stroke:#c3cad2;stroke-width:2}circle{stroke:#ffffff;stroke-width:1.5}
.tick{text-anchor:middle;fill:#57606a;font-size:12px}
.axis{fill:#57606a}.trace{text-anchor:end}.ours{font-weight:650}.note{fill:#57606a;font-size:12px}
${colours(0)}
@media (prefers-color-scheme: dark){
text{fill:#e6edf3}.paper{fill:#0d1117}.band{fill:#151b23}
.grid{stroke:#2b333d}.span{stroke:#3d4752}circle{stroke:#0d1117}
.tick,.axis,.note{fill:#9aa5b1}${colours(1)}
}
</style>
<rect class="paper" width="${WIDTH}" height="${height}" rx="8"/>
${lines.join('\n')}
${legend.join('\n')}
<text class="note" x="${WIDTH - 24}" y="${height - 6}"
 text-anchor="end">logarithmic scales; further left is better</text>
</svg>
`;
}
