/**
 * Every figure that we read beside what nvidia-smi and pynvml say of the same moment: theirs has to lie between one of
 * ours before and one after, give or take what a sensor does in that time. Then what a reading costs, and whether ten
 * thousand of them leave anything behind.
 */
import { spawnSync } from 'node:child_process';
import { agrees, COMPARED } from '../../../daemon/devices/agreement.ts';
import type { DeviceReading } from '../../../daemon/devices/reading.ts';
import { mib, MiB, Outsider, processOn, spread, type Cuda } from './machine.ts';
import type { Section } from './report.ts';
import { askSmi, type SmiGpu } from './smi.ts';

type Value = string | number | null;
const shown = (value: Value | undefined): string =>
  value === null || value === undefined
    ? 'not reported'
    : typeof value === 'number' && value > 1e7
      ? mib(value)
      : typeof value === 'number'
        ? String(Math.round(value * 100) / 100)
        : value;

export async function readings(cuda: Cuda, section: Section): Promise<void> {
  const outsider = await Outsider.start(cuda);
  try {
    await outsider.ask({ take: 256 * MiB });
    await besideSmi(cuda, section, outsider.pid);
    await besidePynvml(cuda, section);
  } finally {
    await outsider.end();
  }
  await cost(cuda, section);
}

const all = ({ reader }: Cuda): Promise<DeviceReading[]> => reader.read('all', new Set());

async function besideSmi(cuda: Cuda, section: Section, pid: number): Promise<void> {
  const before = await all(cuda),
    smi = askSmi(),
    after = await all(cuda);
  section.check('CUDA', smi.cuda === before[0]!.cuda, `${before[0]!.cuda}, nvidia-smi: ${smi.cuda}`);
  const rows: (string | number)[][] = [];
  for (const gpu of smi.gpus) {
    if (gpu.mig) {
      section.note(
        `${gpu.uuid} is divided (MIG): its parts are devices of their own, and nvidia-smi describes the whole.`,
      );
      continue;
    }
    const was = before.find(each => each.id === gpu.uuid),
      is = after.find(each => each.id === gpu.uuid);
    if (!was || !is) {
      section.check(`the device ${gpu.uuid}`, false, 'nvidia-smi lists it, we do not');
      continue;
    }
    for (const name of COMPARED) {
      const held = agrees(name, gpu.values, was, is);
      rows.push([held ? '✓' : '✗', name, shown(was[name]), shown(gpu.values[name]), shown(is[name])]);
    }
    if (gpu.uuid === cuda.device) ofProcesses(section, gpu, was, is, pid);
  }
  section.table(['', 'field', 'ours before', 'nvidia-smi', 'ours after'], rows);
  const wrong = rows.filter(row => row[0] === '✗');
  section.check(
    'every field of every device',
    wrong.length === 0,
    wrong.length ? wrong.map(row => row[1]).join(', ') : `${rows.length} fields`,
  );
}

/** The program that holds memory: by number, name and bytes. */
function ofProcesses(section: Section, gpu: SmiGpu, was: DeviceReading, is: DeviceReading, pid: number): void {
  const theirs = gpu.processes.find(each => each.pid === pid),
    ours = processOn(was, pid);
  if (!theirs && !ours) {
    // Containers with process numbers of their own: neither sees who it is.
    section.note('Neither NVML nor nvidia-smi lists the other program: process numbers are of another namespace here.');
    return;
  }
  section.check(
    'memory of another program',
    !!theirs &&
      !!ours &&
      (theirs.bytes === null || ours.bytes === null || Math.abs(theirs.bytes - ours.bytes) <= 2 * MiB),
    `${shown(ours?.bytes)}, nvidia-smi: ${shown(theirs?.bytes)} (${theirs?.name ?? 'not listed'})`,
  );
  const pids = (list: readonly { pid: number }[]): string =>
    list
      .map(each => each.pid)
      .sort()
      .join(' ');
  section.check(
    'the list of programs',
    [was, is].some(reading => pids(reading.processes ?? []) === pids(gpu.processes)),
    `${was.processes?.length ?? 'no list'}, nvidia-smi: ${gpu.processes.length}`,
  );
}

const PYNVML = `
import json, sys, pynvml as n
n.nvmlInit()
def text(value): return value.decode() if isinstance(value, bytes) else value
def may(call, *given):
    try: return call(*given)
    except n.NVMLError: return None
out = []
for i in range(n.nvmlDeviceGetCount()):
    h = n.nvmlDeviceGetHandleByIndex(i)
    memory, power = n.nvmlDeviceGetMemoryInfo(h, version=n.nvmlMemory_v2), may(n.nvmlDeviceGetPowerUsage, h)
    limit, fan = may(n.nvmlDeviceGetEnforcedPowerLimit, h), may(n.nvmlDeviceGetFanSpeed, h)
    out.append({"id": text(n.nvmlDeviceGetUUID(h)), "name": text(n.nvmlDeviceGetName(h)), "totalBytes": memory.total,
        "freeBytes": memory.free, "temperatureC": may(n.nvmlDeviceGetTemperature, h, 0),
        "powerW": power and power / 1000, "powerLimitW": limit and limit / 1000, "fan": fan and fan / 100,
        "clockMhz": may(n.nvmlDeviceGetClockInfo, h, 1)})
print(json.dumps(out))
`;

async function besidePynvml(cuda: Cuda, section: Section): Promise<void> {
  const before = await all(cuda);
  const { status, stdout, stderr } = spawnSync(cuda.python, ['-c', PYNVML], {
    env: { ...process.env, ...cuda.env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  const after = await all(cuda);
  if (status !== 0) {
    section.note(`pynvml was not asked: ${stderr.trim().split('\n').at(-1) ?? 'it did not answer'}`);
    return;
  }
  const wrong: string[] = [];
  let count = 0;
  for (const theirs of JSON.parse(stdout) as Partial<DeviceReading>[]) {
    const was = before.find(each => each.id === theirs.id),
      is = after.find(each => each.id === theirs.id);
    if (!was || !is) continue;
    for (const name of COMPARED.filter(each => theirs[each] !== undefined)) {
      count++;
      if (!agrees(name, theirs, was, is)) wrong.push(`${name}: ${shown(was[name])}, pynvml ${shown(theirs[name])}`);
    }
  }
  section.check('the same from pynvml', wrong.length === 0, wrong.join('; ') || `${count} fields`);
}

async function cost(cuda: Cuda, section: Section): Promise<void> {
  const times = async (detail: 'memory' | 'all', count: number): Promise<number[]> => {
    const taken: number[] = [];
    for (let i = 0; i < count; i++) {
      const begun = performance.now();
      await cuda.reader.read(detail, new Set());
      taken.push(performance.now() - begun);
    }
    return taken;
  };
  const many = cuda.short ? 300 : 2000;
  const memory = spread(await times('memory', many)),
    everything = spread(await times('all', many / 10));
  section.table(
    ['a reading of', 'median, ms', '99 of 100 below, ms'],
    [
      ['memory and programs', memory.median.toFixed(2), memory.p99.toFixed(2)],
      ['everything', everything.median.toFixed(2), everything.p99.toFixed(2)],
    ],
  );
  const collect = (globalThis as { gc?: () => void }).gc;
  collect?.();
  const before = process.memoryUsage.rss();
  await times('memory', cuda.short ? 700 : 10_000);
  collect?.();
  const grown = process.memoryUsage.rss() - before;
  section.check('ten thousand readings leave nothing behind', grown < 16 * MiB, `${mib(grown)} more of RAM`);
}
