/**
 * Runs installers and probes as child processes: argument lists only, ended whole (with their children) when cancelled.
 */
import { spawn, spawnSync } from 'node:child_process';
import { EarshotError } from '../../schemas/errors.ts';

export interface Finished {
  /** Exit status; null when a signal ended it. */
  status: number | null;
  stdout: string;
  /** The end of what it wrote to both streams, for error details. */
  tail: string;
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Sees what the child writes, as it comes. */
  onOutput?: (text: string) => void;
}

const TAIL_CHARS = 4000,
  STDOUT_CHARS = 1_000_000;

/**
 * Runs a program to its end. Throws `cancelled`, or the spawn error when there is no such program; a non-zero status is
 * an answer, not an error.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  if (options.signal?.aborted) throw new EarshotError('cancelled');
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    // Its own process group, so that an installer's children end with it.
    detached: process.platform !== 'win32',
  });
  let stdout = '',
    tail = '';
  const take = (text: string) => {
    tail = (tail + text).slice(-TAIL_CHARS);
    options.onOutput?.(text);
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stdout.length < STDOUT_CHARS) stdout += text;
    take(text);
  });
  child.stderr.setEncoding('utf8').on('data', take);
  const end = () => endTree(child.pid);
  const timer = options.timeoutMs ? setTimeout(end, options.timeoutMs) : null;
  options.signal?.addEventListener('abort', end, { once: true });
  // An installer must not outlive us; SIGKILL of ourselves is the one case this cannot cover.
  process.once('exit', end);
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', code => resolve(code));
    });
    if (options.signal?.aborted) throw new EarshotError('cancelled');
    return { status, stdout, tail };
  } finally {
    if (timer) clearTimeout(timer);
    options.signal?.removeEventListener('abort', end);
    process.removeListener('exit', end);
  }
}

function endTree(pid: number | undefined): void {
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(pid), '/t', '/f'], { windowsHide: true });
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    /* it has ended by itself */
  }
}
