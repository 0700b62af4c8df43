/**
 * A closer look at the GPUs, for `earshot doctor --gpu`: whether what we read is what nvidia-smi says, what a reading
 * costs, who holds memory, and whether the recognizer can compute there. It loads nothing and changes nothing.
 */
import { checkOf, type Check } from '../schemas/reasons.ts';
import { bytesText } from '../text/messages/figures.ts';
import { agrees, COMPARED } from './devices/agreement.ts';
import { nvmlReader, type NvmlReader } from './devices/nvml.ts';
import { processes } from './devices/processes.ts';
import type { DeviceReader, DeviceReading } from './devices/reading.ts';
import { smiReader } from './devices/smi.ts';
import { cudaEnvironment, python, runPython } from './runtimes/python.ts';

export interface GpuExamined {
  nvml?: NvmlReader;
  smi?: DeviceReader;
  /** What CTranslate2 computes with on CUDA; throws what stands in the way. null: it is not installed. */
  computeTypes: (() => Promise<string>) | null;
  nameOf?: (pid: number) => string | null;
}

const READINGS = 50;
/** Beyond this, admission waits for the driver. */
const SLOW_MS = 50;

const gpusOf = async (reader: DeviceReader): Promise<DeviceReading[]> =>
  (await reader.read('all', new Set())).filter(({ kind }) => kind === 'gpu');

/** Nothing where NVML finds no GPU: the plain check has said so. */
export async function examineGpus({
  nvml = nvmlReader(),
  smi = smiReader(),
  computeTypes,
  nameOf = pid => processes().name(pid),
}: GpuExamined): Promise<Check[]> {
  try {
    const before = await gpusOf(nvml);
    if (!nvml.working() || before.length === 0) return [];
    const theirs = await gpusOf(smi),
      after = await gpusOf(nvml);
    return [
      readings(before, theirs, after),
      await speed(nvml),
      programs(after, nameOf),
      await recognition(computeTypes),
    ];
  } finally {
    nvml.dispose();
    smi.dispose();
  }
}

function readings(
  before: readonly DeviceReading[],
  smi: readonly DeviceReading[],
  after: readonly DeviceReading[],
): Check {
  // The parts of a divided GPU are devices for us, not for nvidia-smi.
  const both = smi.flatMap(theirs => {
    const was = before.find(each => each.id === theirs.id),
      is = after.find(each => each.id === theirs.id);
    return was && is ? [{ theirs, was, is }] : [];
  });
  if (both.length === 0) return checkOf('gpuReadings', 'warning');
  const wrong = COMPARED.filter(field => both.some(({ theirs, was, is }) => !agrees(field, theirs, was, is)));
  return wrong.length
    ? checkOf('gpuReadings', 'problem', { fields: wrong.join(', ') })
    : checkOf('gpuReadings', 'ok', { devices: both.length });
}

async function speed(nvml: DeviceReader): Promise<Check> {
  const times: number[] = [];
  for (let n = 0; n < READINGS; n++) {
    const begun = performance.now();
    await nvml.read('memory', new Set());
    times.push(performance.now() - begun);
  }
  const ms = times.toSorted((a, b) => a - b)[READINGS / 2]!;
  return checkOf('gpuSpeed', ms > SLOW_MS ? 'warning' : 'ok', { ms: Math.round(ms * 100) / 100 });
}

function programs(gpus: readonly DeviceReading[], nameOf: (pid: number) => string | null): Check {
  if (gpus.some(({ processes: list }) => !list || list.some(({ bytes }) => bytes === null)))
    return checkOf('gpuPrograms', 'warning');
  const held = new Map<string, number>();
  for (const { pid, bytes } of gpus.flatMap(({ processes: list }) => list!)) {
    const name = nameOf(pid) ?? String(pid);
    held.set(name, (held.get(name) ?? 0) + bytes!);
  }
  const most = [...held].sort((a, b) => b[1] - a[1]).slice(0, 5);
  return checkOf('gpuPrograms', 'ok', {
    count: held.size,
    ...(most.length ? { names: most.map(([name, bytes]) => `${name} ${bytesText(bytes)}`).join(', ') } : {}),
  });
}

async function recognition(computeTypes: GpuExamined['computeTypes']): Promise<Check> {
  if (!computeTypes) return checkOf('gpuRecognition', 'warning');
  try {
    return checkOf('gpuRecognition', 'ok', { types: await computeTypes() });
  } catch (error) {
    return checkOf('gpuRecognition', 'problem', { why: (error as Error).message });
  }
}

const ASK = `
import ctranslate2
if ctranslate2.get_cuda_device_count() == 0:
    raise SystemExit("CTranslate2 finds no CUDA device")
print(", ".join(sorted(ctranslate2.get_supported_compute_types("cuda"))))
`;

/** What the recognizer of the Python runtime in `directory` computes with on CUDA. @throws why it cannot */
export async function cudaComputeTypes(directory: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const how = { timeoutMs: 60_000 },
    { status, output, tail } = await runPython(python(directory), ['-c', ASK], how, {
      ...env,
      ...cudaEnvironment(directory, env),
    });
  if (status !== 0) throw new Error(tail.trim().split('\n').at(-1) || `exit ${status}`);
  return output.toString('utf8').trim();
}
