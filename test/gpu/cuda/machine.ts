/** What the parts of the proof work with: the GPU, a Python with PyTorch, programs of others, the time that is left. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { nvmlReader, type NvmlReader } from '../../../daemon/devices/nvml.ts';
import type { DeviceReader, DeviceReading, ProcessReading } from '../../../daemon/devices/reading.ts';

export const MiB = 1024 ** 2,
  GiB = 1024 ** 3;
export const mib = (bytes: number): string => `${Math.round(bytes / MiB)} MiB`;
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const OUTSIDER = join(import.meta.dirname, '..', 'torch', 'outsider.py');

export interface Cuda {
  python: string;
  /** What this Python needs beside what it gets anyway. */
  env: Record<string, string>;
  reader: DeviceReader;
  /** The GPU that all is proven on: the first that PyTorch can be pointed at. */
  device: string;
  totalBytes: number;
  /** ms until everything must have ended. */
  left(): number;
  /** Smaller and shorter, for a GPU that is not real. */
  short: boolean;
}

/** PyTorch's version and CUDA's, as this Python has them. @throws with what Python said, where there is none */
export function torchOf(python: string, env: Record<string, string>): { version: string; cuda: string } {
  const answer = execFileSync(
    python,
    ['-c', 'import json, torch; print(json.dumps([torch.__version__, str(torch.version.cuda)]))'],
    { env: { ...process.env, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 },
  );
  const [version, cuda] = JSON.parse(answer.trim().split('\n').at(-1)!) as [string, string];
  return { version, cuda };
}

/** The devices through NVML alone: what nvidia-smi would stand in for is no proof. */
export const readerOf = (): NvmlReader => nvmlReader({ rescanMs: 200 });

export async function readingOf({ reader, device }: Pick<Cuda, 'reader' | 'device'>): Promise<DeviceReading> {
  const found = (await reader.read('memory', new Set())).find(reading => reading.id === device);
  if (!found) throw new Error(`${device} does not answer`);
  return found;
}

export const processOn = (reading: DeviceReading, pid: number): ProcessReading | undefined =>
  reading.processes?.find(each => each.pid === pid);

/** Looks until it finds; answers ms. @throws when it never came */
export async function within(what: string, timeoutMs: number, look: () => Promise<boolean>): Promise<number> {
  const begun = performance.now();
  while (!(await look())) {
    if (performance.now() - begun > timeoutMs) throw new Error(`did not come within ${timeoutMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  return performance.now() - begun;
}

interface Answer {
  ready?: string;
  pid?: number;
  cuda?: string;
  device?: string;
  reserved?: number;
  taken?: number;
  refused?: string;
  given?: number;
  ms?: number;
}

/** A program that is not ours, on the same GPU (outsider.py). */
export class Outsider {
  readonly pid: number;
  readonly hello: Answer;
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  private constructor(child: ChildProcess, answers: AsyncIterator<string>, hello: Answer) {
    this.child = child;
    this.answers = answers;
    this.hello = hello;
    this.pid = hello.pid!;
  }

  static async start({ python, env, device }: Pick<Cuda, 'python' | 'env' | 'device'>): Promise<Outsider> {
    const child = spawn(python, [OUTSIDER, device], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin!.on('error', () => {});
    const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    return new Outsider(child, answers, await answerOf(answers));
  }

  async ask(request: { take: number } | { give: true } | { products: number; side: number }): Promise<Answer> {
    this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    return answerOf(this.answers);
  }

  /** Resolves when it has ended. */
  async end(how: 'leaves' | 'killed' = 'leaves'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    if (how === 'killed') this.child.kill('SIGKILL');
    else this.child.stdin!.end();
    await gone;
  }
}

async function answerOf(answers: AsyncIterator<string>): Promise<Answer> {
  const { value, done } = await answers.next();
  if (done) throw new Error('the other program ended');
  return JSON.parse(value) as Answer;
}

/** What a process has on the device before its allocator holds anything; null where the driver does not list it. */
export async function contextBytes(cuda: Cuda): Promise<number | null> {
  const program = await Outsider.start(cuda);
  try {
    const shown = processOn(await readingOf(cuda), program.pid)?.bytes ?? null;
    return shown === null ? null : shown - program.hello.reserved!;
  } finally {
    await program.end();
  }
}

/** The value that half of them do not reach, and the one that 99 of 100 do not. */
export function spread(values: readonly number[]): { median: number; p99: number } {
  const sorted = values.toSorted((a, b) => a - b),
    at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { median: at(0.5), p99: at(0.99) };
}
