/**
 * The process of a worker: how it is started (environment, priority, sandbox, log), what it writes cut into lines, and
 * its end with everything that it started. What the lines mean is worker.ts's.
 */
import { existsSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { dirname } from 'node:path';
import { exitOf } from '../../client/exit.ts';
import type { Engine, WorkerContext } from '../contracts/engine.ts';
import { MAX_FRAME_BYTES, type ToWorker } from '../contracts/worker-protocol.ts';
import { LineSplitter } from '../system/lines.ts';
import { environment } from './environment.ts';
import type { WorkerLog } from './log.ts';
import type { Permissions } from './sandbox/permissions.ts';
import { inSandbox } from './sandbox/sandbox.ts';
import { endTree, startProgram, SYSTEM_FOLDER, type ChildProcess } from './spawn.ts';
import type { NamedTimers } from './timers.ts';

export interface WorkerProcessOptions {
  engine: Engine;
  context: WorkerContext;
  logPath: string;
  lowPriority: boolean;
  /** What it may touch; null or missing: what its user may. */
  permissions?: Permissions | null;
}

export interface WorkerProcessEvents {
  line(bytes: Buffer): void;
  /** Nothing of the line was kept. */
  lineTooLong(): void;
  /** There is no such program. */
  missing(detail: string): void;
  /** It has ended, and all that it wrote was read: once, and last. */
  exit(code: number | null, signal: NodeJS.Signals | null): void;
}

const NICE = process.platform === 'win32' ? [] : ['/usr/bin/nice', '/bin/nice'];

export class WorkerProcess {
  private readonly child: ChildProcess;

  /** @throws where this machine has no descriptors or the engine no program for it */
  constructor(options: WorkerProcessOptions, log: WorkerLog, timers: NamedTimers, events: WorkerProcessEvents) {
    const { engine, context, logPath, lowPriority, permissions = null } = options,
      folder = dirname(logPath);
    const command = engine.command(context),
      sandboxed = inSandbox(command, permissions);
    const nice = lowPriority && NICE.find(path => existsSync(path));
    const [program, args] = nice
      ? [nice, ['-n', '10', sandboxed.program, ...sandboxed.args]]
      : [sandboxed.program, sandboxed.args];
    const child = startProgram(
      {
        program,
        args,
        cwd: existsSync(folder) ? folder : SYSTEM_FOLDER,
        env: environment(engine.permissions ? 'network' : 'local', {
          ...visibleDevices(context.device),
          ...command.env,
          ...(permissions?.cache ? { CUDA_CACHE_PATH: permissions.cache } : {}),
        }),
      },
      'pipe',
    );
    this.child = child;
    log.note(`${engine.id}: ${program} ${args.join(' ')} (pid ${child.pid ?? 'none'})`);
    if (lowPriority && !nice && child.pid)
      try {
        setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
      } catch {
        /* It then runs at normal priority. */
      }

    const lines = new LineSplitter(line => events.line(line), MAX_FRAME_BYTES);
    child.stdout!.on('data', (chunk: Buffer) => {
      if (!lines.push(chunk)) events.lineTooLong();
    });
    child.stderr!.on('data', (chunk: Buffer) => log.write(chunk));
    child.on('error', error => {
      if (child.pid === undefined) events.missing(`${sandboxed.program}: ${error.message}`);
    });
    child.on('exit', (code, signal) => {
      this.kill();
      log.note(`ended with ${signal ?? `code ${code}`}`);
      timers.clearAll();
    });
    // What it wrote just before its end is still in the pipes.
    exitOf(child).then(
      ({ code, signal }) => events.exit(code, signal),
      () => {}, // it is missing
    );
  }

  get pid(): number | null {
    return this.child.pid ?? null;
  }

  send(message: ToWorker): void {
    const { stdin } = this.child;
    if (stdin?.writable) stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** Nothing more is sent: it leaves when it has done what it was asked. */
  endInput(): void {
    this.child.stdin?.end();
  }

  /** With its whole process group. */
  kill(): void {
    endTree(this.child);
  }
}

/**
 * A GPU is pinned by its UUID, so that the driver's and CUDA's numbering cannot differ; a worker on the CPU sees no GPU
 * at all.
 */
const visibleDevices = (device: WorkerContext['device']): Record<string, string> => ({
  CUDA_VISIBLE_DEVICES: device.kind === 'gpu' ? device.uuid : '',
  CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
});
