/**
 * What Earshot promises of GPUs, proven on one: `npm run test:cuda -- --python PATH`. Needs an NVIDIA driver and a
 * Python with PyTorch; no network. Parts go in the order of their worth; gpu.json and gpu.md in --out grow with every
 * entry and are whole at any moment. It ends by itself at its limit.
 */
import { mkdirSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { allocator } from './allocator.ts';
import { attribution } from './attribution.ts';
import { engines } from './engines.ts';
import { GiB, readerOf, torchOf, type Cuda } from './machine.ts';
import { readings } from './readings.ts';
import { broken, Missing, Section, writeReport, type Part, type Report } from './report.ts';
import { sharing } from './sharing.ts';

interface Step {
  name: string;
  title: string;
  /** It is not begun with less time left. */
  needsMs: number;
  run(cuda: Cuda, section: Section): Promise<void>;
}

const steps = (data: string | undefined): Step[] => [
  { name: 'readings', title: 'What we read', needsMs: 20_000, run: readings },
  { name: 'attribution', title: 'Who holds what', needsMs: 40_000, run: attribution },
  { name: 'sharing', title: 'What instances take from each other', needsMs: 60_000, run: sharing },
  { name: 'allocator', title: 'A real allocator under a queue', needsMs: 90_000, run: allocator },
  {
    name: 'engines',
    title: 'Real engines on the device',
    needsMs: 30_000,
    run: (cuda, section) =>
      engines(cuda, section, { ...(data ? { data } : {}), device: { kind: 'gpu', uuid: cuda.device } }),
  },
];

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    out: { type: 'string', default: '.' },
    minutes: { type: 'string', default: '8' },
    only: { type: 'string' },
    data: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});
const begun = performance.now(),
  limitMs = Number(values.minutes) * 60_000,
  out = resolve(values.out),
  report: Report = { machine: {}, startedAt: new Date().toISOString(), parts: [] };
mkdirSync(out, { recursive: true });
const save = (): void => writeReport(out, report);
const left = (): number => limitMs - (performance.now() - begun);

/** Exit codes: 0 all held, 1 something did not, 2 there is no GPU or no PyTorch here. */
function leave(): never {
  save();
  for (const { title, state, why, checks } of report.parts) {
    console.log(`${title}: ${state}${why ? ` (${why})` : ''}`);
    for (const { held, what, measured } of checks) console.log(`  ${held ? '✓' : '✗'} ${what}: ${measured}`);
  }
  console.log(`${out}/gpu.md`);
  process.exit(report.parts.length === 0 ? 2 : broken(report) > 0 ? 1 : 0);
}
function cannot(why: string): never {
  report.machine.missing = why;
  save();
  console.error(why);
  process.exit(2);
}

const reader = readerOf(),
  found = (await reader.read('all', new Set())).filter(device => device.kind === 'gpu'),
  wanted = process.env.CUDA_VISIBLE_DEVICES?.split(',')[0] ?? '',
  device = found.find(each => wanted.length > 4 && each.id.startsWith(wanted)) ?? found[0];
if (!device) cannot('NVML finds no GPU here: is an NVIDIA driver installed?');
const env: Record<string, string> = Object.fromEntries(
  ['PYTHONPATH'].flatMap(name => (process.env[name] ? [[name, process.env[name]]] : [])),
);
let torch;
try {
  torch = torchOf(values.python, env);
} catch (error) {
  cannot(`${values.python} has no PyTorch that loads: ${(error as Error).message.split('\n').at(-2) ?? ''}`);
}
report.machine = {
  GPU:
    `${device!.name}, ${((device!.totalBytes ?? 0) / GiB).toFixed(1)} GiB, ` +
    `compute capability ${device!.computeCapability}`,
  devices: String(found.length),
  driver: `${device!.driver}, CUDA ${device!.cuda}`,
  PyTorch: `${torch!.version}, CUDA ${torch!.cuda}`,
  system: `${process.platform} ${release()} ${arch()}, ${cpus().length} cores, ${(totalmem() / GiB).toFixed(0)} GiB`,
  Node: process.version,
};
const cuda: Cuda = {
  python: values.python,
  env,
  reader,
  device: device!.id,
  totalBytes: device!.totalBytes ?? 0,
  left,
  short: values.short,
};
// Whatever holds a part up: what is written by then stays.
setTimeout(leave, limitMs).unref();
process.once('SIGTERM', leave);
process.once('SIGINT', leave);

for (const step of steps(values.data)) {
  if (values.only && !values.only.split(',').includes(step.name)) continue;
  const part: Part = {
    name: step.name,
    title: step.title,
    state: 'open',
    why: null,
    seconds: 0,
    checks: [],
    tables: [],
    notes: [],
  };
  report.parts.push(part);
  const since = performance.now();
  if (left() < step.needsMs && !values.short) part.state = 'late';
  else
    try {
      await step.run(cuda, new Section(part, save));
      part.state = 'done';
    } catch (error) {
      part.state = error instanceof Missing ? 'missing' : 'broke';
      part.why = (error as Error).message.slice(0, 2000);
    }
  part.seconds = (performance.now() - since) / 1000;
  save();
}
leave();
