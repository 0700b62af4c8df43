/** A daemon with jobs in flight, for something to go wrong with; and what the faults need to find and touch in it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../schemas/job.ts';
import type { Failure } from '../../schemas/errors.ts';
import { sentence } from '../../text/messages/messages.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import type { Settings } from '../../schemas/settings.ts';
import { isFinal, STAGES, type Stage } from '../../schemas/words.ts';
import { processes } from '../../daemon/devices/processes.ts';
import { fakeModel } from '../daemon/harness.ts';
import { RealDaemon, SAMPLES } from '../daemon/real.ts';
import { lawsHold } from './laws.ts';

const treeOf = (pid: number): number[] => [...processes().withChildren([pid]).get(pid)!];

export interface WorldOptions {
  jobs?: number;
  /** ms of each step. */
  ms?: number;
  settings?: Partial<Settings>;
  env?: NodeJS.ProcessEnv;
  /** What the recogniser gets wrong: daemon/engines/fake/script.ts. */
  script?: string;
  options?: Partial<Job['options']>;
  /** Before the daemon starts; what it answers with is let go when the daemon has ended. */
  prepare?(daemon: RealDaemon): Disposable | void;
  /** Whether jobs that went wrong are part of the story; else all must complete. */
  failing?: boolean;
}

export interface World {
  daemon: RealDaemon;
  jobs: Job[];
  /** Notices so far. */ notices: Failure[];
}

/**
 * Begins jobs, lets the story happen, waits for their end, and holds the store against the laws. What the story
 * resolves with is the finding.
 */
export async function world(options: WorldOptions, story: (world: World) => Promise<string>): Promise<string> {
  const { jobs: count = 3, ms = 40, script } = options;
  // All workers count their runs together, so that each mishap happens once.
  const folder = mkdtempSync(join(tmpdir(), 'earshot-runs-')),
    countFile = join(folder, 'runs');
  const models = STAGES.map(stage =>
    fakeModel(`fake-${stage}`, stage, { ms, ...(script && stage === 'asr' ? { script, countFile } : {}) }),
  );
  const daemon = new RealDaemon({
    models,
    settings: { cpuThreads: 8, othersOnCpu: true, formats: ['txt', 'srt'], memoryReserveBytes: 0, ...options.settings },
    env: options.env ?? {},
  });
  let prepared: Disposable | void = undefined;
  try {
    prepared = options.prepare?.(daemon);
    await daemon.start();
    const jobs = await daemon.submit(recordings(daemon, count), {
      language: 'en',
      translateTo: 'es',
      speak: true,
      ...options.options,
    });
    const here: World = { daemon, jobs, notices: [] };
    await listen(here);
    const found = await story(here);
    const ended = await daemon.ended(jobs);
    if (!options.failing)
      assert.deepEqual(
        [...new Set(ended.map(job => job.state))],
        ['completed'],
        JSON.stringify(ended.find(job => job.state !== 'completed')?.failure),
      );
    const { devices, instances } = await daemon.client.call('device/list', {});
    assert.equal(
      devices.reduce((sum, device) => sum + device.memory.leased, 0),
      instances.reduce((sum, instance) => sum + instance.leaseBytes, 0),
      'every lease belongs to an instance',
    );
    await daemon.stop();
    await daemon.withStore(store => lawsHold(store, jobs, { alike: !options.failing }));
    return found;
  } catch (error) {
    console.log(lastWords(daemon));
    throw error;
  } finally {
    await daemon.stop();
    prepared?.[Symbol.dispose]();
    await daemon.close();
    rmSync(folder, { recursive: true });
  }
}

/** The end of its log. */
export const lastWords = (daemon: RealDaemon): string => {
  try {
    return readFileSync(join(daemon.home.logs, 'earshotd.log'), 'utf8').split('\n').slice(-30).join('\n');
  } catch {
    return '';
  }
};

/** Hears the notices of a daemon that was started anew. */
export async function listen(here: World): Promise<void> {
  here.daemon.client.onEvents(({ events }) => {
    for (const event of events) if (event.type === 'notice') here.notices.push(event.failure);
  });
  await here.daemon.client.call('state/subscribe', { topics: ['jobs'] });
}

export function recordings(daemon: RealDaemon, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const path = join(daemon.recordings, `talk ${i}.flac`);
    copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), path);
    return path;
  });
}

/** Looks again and again; tells what it waited for when it never came. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  for (const end = performance.now() + timeoutMs; ;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await sleep(20);
  }
}

/** A running worker of a stage that has something to do. */
export const busy = (daemon: RealDaemon, stage: Stage): Promise<{ pid: number; engine: string }> =>
  until(`a busy worker for ${stage}`, async () => {
    const { instances } = await daemon.client.call('device/list', {});
    const found = instances.find(
      instance => instance.stage === stage && instance.state === 'busy' && instance.pid !== null,
    );
    return found && { pid: found.pid!, engine: found.engine };
  });

/** A process below the daemon whose command line contains this. */
export const below = (daemon: RealDaemon, word: string): Promise<number> =>
  until(`a process ${word}`, () => allBelow(daemon, word)[0]);
export const allBelow = (daemon: RealDaemon, word: string): number[] =>
  treeOf(daemon.pid)
    .slice(1)
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
          .split('\0')
          .slice(0, 4)
          .some(each => each.includes(word));
      } catch {
        return false;
      }
    });

export const signal = (pid: number, name: NodeJS.Signals): boolean => {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
};

export const journal = async (daemon: RealDaemon, job: Pick<Job, 'id'>, kind: string) =>
  (await daemon.client.call('job/log', { id: job.id, limit: 10_000 })).entries.filter(entry => entry.kind === kind);

/** The step of a job that is next to be heard of. */
export const heard = (daemon: RealDaemon, jobs: readonly Job[], stage: Stage): Promise<StateEvent> =>
  daemon.event(jobs, event => event.type === 'utterance' && event.utterance[stage] !== undefined);

export async function ended(daemon: RealDaemon, job: Job): Promise<Job> {
  const [over] = await daemon.ended([job]);
  assert.ok(isFinal(over!.state));
  return over!;
}

/** What people read, in both languages; a failure that has no words of its own is no clear message. */
export function says(failure: Failure | null | undefined, code: Failure['code']): string {
  assert.equal(failure?.code, code, JSON.stringify(failure));
  assert.ok(sentence(failure!, 'zh-cn').length > 0);
  return `“${sentence(failure!, 'en').replaceAll(/\/tmp\/(?:[^\s”:,/]*\/)*(?=[^\s”:,/])/g, '…/')}”`;
}

/** Small file systems of their own. Null: they can be had; else why not. */
export function mountsRefused(): string | null {
  if (process.platform !== 'linux' || process.getuid!() !== 0) return 'small file systems need Linux and root';
  try {
    execFileSync('mount', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'there is no mount';
  }
}
export const mount = (path: string, options: string): Disposable => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'earshot-test', path]);
  return {
    [Symbol.dispose]: () => {
      execFileSync('umount', ['-l', path]);
    },
  };
};
export const remount = (path: string, options: string): void => {
  execFileSync('mount', ['-o', `remount,${options}`, path]);
};
