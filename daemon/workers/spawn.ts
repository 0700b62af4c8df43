/**
 * The one way to start a program from the daemon and from what the daemon started.
 *
 * It never runs through a shell, gets only what environment.ts lists, stands in a folder that its caller names
 * (never the one that the daemon was started from, where `pip.py` may be anybody's), and ends with everything that it
 * started.
 */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { exitOf } from '../../client/exit.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { Environment } from './environment.ts';
import { jobAround, type JobObject } from './job-object.ts';
import type { Permissions } from './sandbox/permissions.ts';
import { inSandbox } from './sandbox/sandbox.ts';

export type { ChildProcess };

const POSIX = process.platform !== 'win32';

/** A folder that only the system writes, for programs that need none. */
export const SYSTEM_FOLDER = POSIX ? '/' : join(process.env.SystemRoot ?? 'C:\\Windows', 'System32');

export interface Program {
  program: string;
  args: readonly string[];
  /** Absolute; nobody but us or the system writes there. */
  cwd: string;
  env: Environment;
  /** What it may touch; null or missing: what its user may. */
  permissions?: Permissions | null;
  /** Open files of ours that it gets as descriptors 3, 4 …, and may read. */
  files?: readonly number[];
  /**
   * own: a process group of its own, which `endTree` ends as a whole, and which no signal to our terminal reaches.
   * shared: that of the process which starts it, and which it ends with.
   */
  group?: 'own' | 'shared';
}

/**
 * Starts a program; further pipes come behind its files. What goes wrong with it comes as `error`.
 * @throws where there are no descriptors for its pipes
 */
export function startProgram(
  { program, args, cwd, env, permissions = null, files = [], group = 'own' }: Program,
  stdio: StdioOptions = ['ignore', 'pipe', 'pipe'],
): ChildProcess {
  if (!isAbsolute(cwd)) throw new Error(`a program needs a folder of its own, not ${JSON.stringify(cwd)}`);
  const command = inSandbox({ program, args }, permissions && { ...permissions, files: files.length });
  const all = typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio,
    standard = all.slice(0, 3),
    more = all.slice(3);
  const child = spawn(command.program, command.args, {
    cwd,
    env,
    stdio: [...standard, ...files, ...more],
    detached: POSIX && group === 'own',
    windowsHide: true,
    shell: false,
  });
  child.on('error', () => {}); // whoever waits for it gets it
  if (!POSIX && group === 'own' && child.pid !== undefined) {
    const job = jobAround(child.pid);
    if (job) jobs.set(child, job);
    // What it left behind ends with it.
    if (job) child.once('exit', () => job.close());
  }
  if (!(child.stdio as ChildProcess['stdio'] | undefined))
    throw Object.assign(new Error('too many files are open to start a process'), { code: 'EMFILE' });
  // It is gone, which its end says.
  for (const stream of child.stdio) stream?.on('error', () => {});
  return child;
}

/** Ends a program now, with everything that it started; of one in a shared group, itself. */
export function endTree(child: ChildProcess, group: 'own' | 'shared' = 'own'): void {
  const { pid } = child;
  if (pid === undefined) return;
  if (POSIX) {
    try {
      process.kill(group === 'own' ? -pid : pid, 'SIGKILL');
    } catch {
      /* it has ended */
    }
    return;
  }
  const job = group === 'own' ? jobs.get(child) : undefined;
  if (job) {
    job.end();
    return;
  }
  // Its number may be another's by now.
  if (child.exitCode !== null || child.signalCode !== null) return;
  spawn(join(SYSTEM_FOLDER, 'taskkill.exe'), ['/T', '/F', '/PID', String(pid)], {
    cwd: SYSTEM_FOLDER,
    stdio: 'ignore',
    windowsHide: true,
  })
    .once('error', () => child.kill())
    .once('exit', status => {
      if (status !== 0) child.kill();
    });
}

/** Windows' groups. */
const jobs = new WeakMap<ChildProcess, JobObject>();

export interface RunOptions extends Omit<Program, 'program' | 'args'> {
  /** Goes to its standard input, which is closed then. */
  input?: AsyncIterable<Buffer>;
  /** Ends it: the run fails with `cancelled`. */
  signal?: AbortSignal | undefined;
  /** Ends it. */
  timeoutMs?: number;
  /** Of standard output; what is more is left out. */
  maxOutputBytes?: number;
}

export interface Finished {
  /** Null when a signal ended it. */
  status: number | null;
  signal: NodeJS.Signals | null;
  output: Buffer;
  /** More came than was wanted. */
  truncated: boolean;
  /** The end of what it wrote to standard error, and to both, for the details of failures. */
  errors: string;
  tail: string;
}

const MiB = 1024 ** 2,
  TAIL_CHARS = 4000;

/** These must not outlive us; that we are killed ourselves is the one case that this cannot cover. */
const running = new Set<() => void>();
process.once('exit', () => {
  for (const end of running) end();
});

/**
 * Runs a program to its end. Throws `cancelled`, the error of starting it, or that of its input; a status that is not
 * zero is an answer, not an error.
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const { input, signal, timeoutMs, maxOutputBytes = MiB, ...how } = options;
  if (signal?.aborted) throw new EarshotError('cancelled');
  const child = startProgram({ program, args, ...how }, [input ? 'pipe' : 'ignore', 'pipe', 'pipe']);
  const output: Buffer[] = [];
  let kept = 0,
    truncated = false,
    errors = '',
    tail = '';
  child.stdout!.on('data', (bytes: Buffer) => {
    const room = maxOutputBytes - kept;
    if (bytes.length > room) truncated = true;
    if (room > 0) output.push(bytes.subarray(0, room));
    kept += Math.min(room, bytes.length);
    tail = (tail + bytes.toString('utf8', Math.max(0, bytes.length - TAIL_CHARS))).slice(-TAIL_CHARS);
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-TAIL_CHARS);
    tail = (tail + text).slice(-TAIL_CHARS);
  });
  const end = (): void => endTree(child, how.group);
  const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs);
  signal?.addEventListener('abort', end, { once: true });
  running.add(end);
  // What it started and left behind ends with it.
  if (how.group !== 'shared') child.once('exit', end);
  // A broken pipe means that it gave up, and its exit says why. A failure of our own source ends it.
  let inputError: unknown = null;
  const feeding = input
    ? pipeline(Readable.from(input), child.stdin!).catch((error: unknown) => {
        if (isPipeError(error)) return;
        inputError = error;
        end();
      })
    : undefined;
  try {
    const { code: status, signal: killed } = await exitOf(child);
    await feeding;
    if (signal?.aborted) throw new EarshotError('cancelled');
    if (inputError) throw inputError;
    return { status, signal: killed, output: Buffer.concat(output), truncated, errors, tail };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    running.delete(end);
  }
}

/** What a program printed that had to go well. @throws where it did not */
export function succeeded({ status, output, tail }: Finished): string {
  if (status !== 0) throw new Error(`ended with ${status}: ${tail}`);
  return output.toString('utf8');
}

const isPipeError = (error: unknown): boolean =>
  ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
