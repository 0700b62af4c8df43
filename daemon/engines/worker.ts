/**
 * The Node side of the worker protocol (daemon/contracts/worker-protocol.ts). An engine's worker file calls
 * `serveWorker` and nothing else; it imports its native library inside `load`, after standard output has been taken
 * away from everybody but the frames.
 */
import { Console } from 'node:console';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { EarshotError, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Alternative } from '../contracts/alternatives.ts';
import {
  WORKER_PROTOCOL,
  type FromWorker,
  type LoadRequest,
  type RunRequest,
  type StepOutputs,
  type ToWorker,
} from '../contracts/worker-protocol.ts';

export interface Emit {
  /** One for each step of the run, in any order. */
  result(index: number, output: StepOutputs[Stage]): void;
  /** What else a step of recognition may have been, behind its result. */
  alternatives(index: number, alternatives: readonly Alternative[]): void;
  /** 0 to 1, of the whole run. */
  progress(fraction: number): void;
}

export interface Loaded {
  /**
   * Runs are never concurrent. Rejects with an EarshotError where the engine knows what went wrong; anything else
   * becomes `engineFailed`.
   */
  run(request: RunRequest, emit: Emit, signal: AbortSignal): Promise<void>;
  /** Of elastic engines: the run goes on with this many threads. */
  resize?(threads: number): void;
  /** Of models that stream: what is kept of this recording's sound is not wanted any more. */
  forget?(path: string): void;
  close?(): Promise<void>;
  /** Goes into the log and the instance's journal entry. */
  detail?: Record<string, unknown>;
}

export interface WorkerDefinition {
  /** The engine's id. */
  engine: string;
  load(request: LoadRequest): Promise<Loaded>;
}

/** Speaks the protocol on stdin and stdout until stdin closes, `unload` comes, or the daemon is gone. */
export function serveWorker(definition: WorkerDefinition): void {
  const send = takeStdout();
  let loaded: Loaded | null = null,
    loading = false;
  let running: { id: string; abort: AbortController } | null = null;

  const load = async (request: LoadRequest): Promise<void> => {
    if (loading) throw new Error('a second load request');
    loading = true;
    try {
      loaded = await definition.load(request);
      send({ type: 'loaded', ...(loaded.detail ? { detail: loaded.detail } : {}) });
    } catch (error) {
      console.error(error);
      send({ type: 'failed', ...describe(error) });
      process.exit(1);
    }
  };
  const run = async (request: RunRequest): Promise<void> => {
    const { id, steps } = request;
    if (!loaded || running)
      return send({
        type: 'failed',
        id,
        code: 'internal',
        detail: loaded ? 'the worker is busy' : 'nothing is loaded',
      });
    const abort = new AbortController();
    running = { id, abort };
    try {
      await loaded.run(
        request,
        {
          result: (index, output) => send({ type: 'result', id, index, output }),
          alternatives: (index, alternatives) =>
            send({ type: 'alternatives', id, index, alternatives: [...alternatives] }),
          progress: fraction => send({ type: 'progress', id, fraction: Math.min(1, Math.max(0, fraction)) }),
        },
        abort.signal,
      );
      running = null;
      send({ type: 'done', id });
    } catch (error) {
      running = null;
      if (!abort.signal.aborted) console.error(error);
      send({
        type: 'failed',
        id,
        ...(steps.length === 1 ? { index: steps[0]!.index } : {}),
        ...(abort.signal.aborted ? { code: 'cancelled' as const, args: {}, detail: 'cancelled' } : describe(error)),
      });
    }
  };
  const leave = async (): Promise<void> => {
    running?.abort.abort();
    try {
      await loaded?.close?.();
    } catch (error) {
      console.error(error);
    }
    process.exit(0);
  };

  const lines = createInterface({ input: process.stdin });
  lines.on('line', line => {
    const request = JSON.parse(line) as ToWorker;
    if (request.type === 'load') void load(request);
    else if (request.type === 'run') void run(request);
    else if (request.type === 'cancel') {
      if (running?.id === request.id) running.abort.abort();
    } else if (request.type === 'threads') {
      if (running?.id === request.id) loaded?.resize?.(request.threads);
    } else if (request.type === 'forget') loaded?.forget?.(request.path);
    else void leave();
  });
  lines.on('close', () => void leave());
  send({ type: 'hello', protocol: WORKER_PROTOCOL, engine: definition.engine, pid: process.pid });
}

/** An error in the protocol's words. */
function describe(error: unknown): { code: Failure['code']; args: Failure['args']; detail: string } {
  if (error instanceof EarshotError)
    return { code: error.failure.code, args: error.failure.args, detail: error.failure.detail ?? error.message };
  const detail = error instanceof Error ? error.message : String(error),
    known = toFailure(error);
  if (known.code === 'diskFull') return { code: known.code, args: known.args, detail };
  return { code: OUT_OF_MEMORY.test(detail) ? 'outOfMemory' : 'engineFailed', args: {}, detail };
}
const OUT_OF_MEMORY = /out of memory|bad_alloc|allocation failed|failed to allocate|cannot allocate/i;

/**
 * Keeps fd 1 for frames: whatever JavaScript prints goes to stderr. Native code may still write to fd 1, so each frame
 * begins on a line of its own and the daemon logs lines that are no frames. Heartbeats come from a thread, which a
 * computation on the main thread does not hold up, and which ends the process when the daemon is gone; a lock keeps its
 * frames out of the middle of ours.
 */
function takeStdout(): (frame: FromWorker) => void {
  Object.defineProperty(process, 'stdout', { value: process.stderr, configurable: true });
  globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });
  const lock = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(HEARTBEAT, {
    eval: true,
    workerData: { lock, parent: process.ppid, everyMs: 1000 },
    stdin: false,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
    execArgv: [],
    env: {},
  });
  thread.unref();
  thread.on('error', error => console.error('heartbeat thread', error));
  return frame => {
    const bytes = Buffer.from(`\n${JSON.stringify(frame)}\n`);
    while (Atomics.compareExchange(lock, 0, 0, 1) !== 0) Atomics.wait(lock, 0, 1);
    try {
      writeWhole(bytes);
    } finally {
      Atomics.store(lock, 0, 0);
      Atomics.notify(lock, 0);
    }
  };
}

function writeWhole(bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EPIPE') process.exit(0);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Runs as a thread of its own, from this string, so that one bundled file is a whole worker. */
const HEARTBEAT = `
const { workerData: { lock, parent, everyMs } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const windows = process.platform === 'win32';
const end = () => {
  if (!windows) try { process.kill(-process.pid, 'SIGKILL'); } catch {}
  process.kill(process.pid, 'SIGKILL');
};
setInterval(() => {
  if (process.ppid !== parent) end();
  if (Atomics.compareExchange(lock, 0, 0, 1) !== 0) return;
  try { writeSync(1, '\\n{"type":"heartbeat"}\\n'); }
  catch (error) { if (error.code === 'EPIPE') end(); }
  finally { Atomics.store(lock, 0, 0); Atomics.notify(lock, 0); }
}, everyMs);
`;
