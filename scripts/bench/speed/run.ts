/**
 * Runs a program as a user would, and measures it: wall time, when text first came, and the memory of all processes
 * that it started.
 */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

export interface Measured {
  seconds: number;
  firstSeconds: number | null;
  peakBytes: number;
  cpuSeconds: number;
  /** What it heard, by the recording's path. */ texts: Map<string, string>;
}
export interface Command {
  program: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

const SAMPLE_MS = 300;
/** Adding up a process's pages costs the system some ms: every so many samples. */
const MEMORY_EVERY = 4;
const TICKS_PER_SECOND = 100;

/** Its memory, with what it shares shared out among those who do. */
function ownBytes(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  } // gone already
}

/** Watches processes: those with a word in their environment, and their descendants. */
export class Watch {
  peakBytes = 0;
  private readonly cpu = new Map<number, number>();
  private readonly timer: NodeJS.Timeout;
  private readonly mark: string;
  private samples = 0;

  constructor(mark: string) {
    this.mark = mark;
    this.timer = setInterval(() => this.sample(), SAMPLE_MS);
  }
  get cpuSeconds(): number {
    return [...this.cpu.values()].reduce((a, b) => a + b, 0);
  }
  /** Processor time is what has been used since the first sample of each. */
  sample(): void {
    const all = new Map<number, { parent: number; cpu: number; marked: boolean }>(),
      weighed = this.samples++ % MEMORY_EVERY === 0;
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!pid) continue;
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
          .replace(/^.*\) /s, '')
          .split(' ');
        all.set(pid, {
          parent: Number(fields[1]),
          cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
          marked: readFileSync(`/proc/${pid}/environ`, 'latin1').includes(this.mark),
        });
      } catch {
        /* gone already */
      }
    }
    let bytes = 0;
    for (const [pid, each] of all) {
      let at: number | undefined = pid;
      while (at && all.has(at) && !all.get(at)!.marked) at = all.get(at)!.parent;
      if (!at || !all.has(at)) continue;
      this.cpu.set(pid, each.cpu);
      if (weighed) bytes += ownBytes(pid);
    }
    this.peakBytes = Math.max(this.peakBytes, bytes);
  }
  end(): void {
    clearInterval(this.timer);
    this.sample();
  }
}

/** Runs it to its end. `seen` reads each line and answers what it learned. */
export async function run(
  { program, args, env = {}, cwd }: Command,
  mark: string,
  seen: (line: string) => { path: string; text: string } | null,
): Promise<Measured> {
  const watch = new Watch(mark),
    began = performance.now(),
    texts = new Map<string, string>();
  let firstSeconds: number | null = null,
    rest = '',
    last = '';
  try {
    const child = spawn(program, args, {
      ...(cwd ? { cwd } : {}),
      env: { ...process.env, ...env, EARSHOT_BENCH: mark },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      last = (last + text).slice(-2000);
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const found = seen(line);
        if (!found) continue;
        firstSeconds ??= (performance.now() - began) / 1000;
        texts.set(found.path, `${texts.get(found.path) ?? ''} ${found.text}`);
      }
    });
    const code = await ended;
    if (code !== 0) throw new Error(`${program} ${args.slice(0, 3).join(' ')} ended with ${code}: ${last}`);
    return {
      seconds: (performance.now() - began) / 1000,
      firstSeconds,
      peakBytes: watch.peakBytes,
      cpuSeconds: watch.cpuSeconds,
      texts,
    };
  } finally {
    watch.end();
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length % 2
    ? sorted[sorted.length >> 1]!
    : (sorted[sorted.length / 2 - 1]! + sorted[sorted.length / 2]!) / 2;
};
