/**
 * What engines need beside Earshot (a Python environment, Node packages with native parts), installed into the data
 * folder.
 *
 * One folder a runtime, named by the hash of its lock. It is built under another name and renamed when it is whole,
 * with a stamp inside: so a folder that is there is right, and looking takes one stat. What a cut installation had
 * fetched waits in pip's and npm's caches.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EarshotError, toFailure } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { RuntimeId } from '../contracts/engine.ts';
import type { Home } from '../auth/home.ts';
import { folderBytes, freeBytes as diskFreeBytes } from '../system/disk.ts';
import { buildNpm } from './npm.ts';
import { pack, type Machine, type Pack } from './packs.ts';
import { buildPython, python } from './python.ts';
import { sharedWork } from '../system/shared-work.ts';

/** fraction: 0 to 1, null while it cannot be known. */
export interface RuntimeProgress {
  step: string;
  fraction: number | null;
}

export interface Runtimes {
  /** Where it is, or will be. */
  directory(id: RuntimeId): string;
  ready(id: RuntimeId): boolean;
  /**
   * Resolves at once when it is there. Callers that ask at the same time share one installation; it stops when all of
   * them have given up.
   */
  install(id: RuntimeId, report: (progress: RuntimeProgress) => void, signal: AbortSignal): Promise<void>;
}

export interface RuntimesOptions {
  home: Pick<Home, 'runtimes'>;
  settings: () => Settings;
  /** An NVIDIA GPU is there: the CUDA builds (1–2 GB more) are wanted. */
  nvidia?: () => boolean;
  /** Free bytes of the disk that holds a folder; for tests. */
  freeBytes?: (folder: string) => Promise<number>;
  env?: NodeJS.ProcessEnv;
}

const STAMP = 'earshot-runtime.json';
const PROGRESS_INTERVAL_MS = 1000;

export function createRuntimes({
  home,
  settings,
  nvidia = () => false,
  freeBytes = diskFreeBytes,
  env = process.env,
}: RuntimesOptions): Runtimes {
  const packs = new Map<string, Pack>();
  const machine = (): Machine => ({ platform: process.platform, arch: process.arch, nvidia: nvidia() });
  const packOf = (id: RuntimeId): Pack => {
    const here = machine(),
      key = `${id} ${here.nvidia}`;
    let found = packs.get(key);
    if (!found) packs.set(key, (found = pack(id, here)));
    return found;
  };
  const directory = (id: RuntimeId) => join(home.runtimes, `${id}-${packOf(id).hash}`);
  // An environment points to the Python that it was made with; when that is gone, it is no environment.
  const ready = (id: RuntimeId) =>
    existsSync(join(directory(id), STAMP)) && (id !== 'python' || existsSync(python(directory(id))));

  const work = sharedWork<RuntimeProgress>();
  const install: Runtimes['install'] = async (id, report, signal) => {
    if (signal.aborted) throw new EarshotError('cancelled');
    if (ready(id)) return;
    const target = directory(id);
    await work.run(target, report, signal, (publish, stop) => build(id, target, publish, stop));
  };

  const build = async (
    id: RuntimeId,
    target: string,
    report: (progress: RuntimeProgress) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    const what = packOf(id),
      config = settings();
    if (config.offline) throw new EarshotError('offline', { engine: id });
    await mkdir(home.runtimes, { recursive: true });
    await removeLeftovers(home.runtimes);
    // Room for the installed files, and for the archives they come out of.
    const needed = Math.ceil(what.bytes * 1.4),
      available = await freeBytes(home.runtimes);
    if (available < needed)
      throw new EarshotError('diskFull', { path: home.runtimes, neededBytes: needed, freeBytes: available });
    const building = join(home.runtimes, `.building-${process.pid}-${id}-${what.hash}`);
    await mkdir(join(building, 'tmp'), { recursive: true });
    let step = 'packages',
      most = 0,
      ended = false;
    // Archives come and go while files appear: what was shown never goes back.
    const reportProgress = async () => {
      most = Math.max(most, Math.min(0.99, (await folderBytes(building)) / what.bytes));
      if (!ended) report({ step, fraction: step === 'python' ? null : most });
    };
    const timer = setInterval(() => void reportProgress().catch(() => {}), PROGRESS_INTERVAL_MS);
    try {
      // Archives that are being fetched lie in our own folder: they go with it, and their growth shows as progress.
      const childEnv = {
        ...env,
        TMPDIR: join(building, 'tmp'),
        TEMP: join(building, 'tmp'),
        TMP: join(building, 'tmp'),
      };
      const made = join(building, 'made');
      if (what.kind === 'python') {
        await buildPython({
          directory: made,
          requirements: what.requirements,
          settings: config,
          signal,
          env: childEnv,
          step: name => {
            step = name;
            void reportProgress().catch(() => {});
          },
        });
      } else {
        await mkdir(made);
        await buildNpm({
          runtime: id,
          directory: made,
          manifest: what.manifest,
          lock: what.lock,
          signal,
          env: childEnv,
        });
      }
      await writeFile(
        join(made, STAMP),
        JSON.stringify({ runtime: id, hash: what.hash, installedAt: new Date().toISOString() }),
      );
      await rm(target, { recursive: true, force: true }); // not ready, or we would not be here
      await rename(made, target).catch((error: unknown) => {
        if (!ready(id)) throw error; /* another process was quicker */
      });
      ended = true;
      report({ step: 'done', fraction: 1 });
    } catch (error) {
      const failed = toFailure(error);
      // pip and npm report a full disk in their own words.
      if (
        failed.code !== 'cancelled' &&
        (failed.code === 'diskFull' ||
          /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i.test(failed.detail ?? ''))
      ) {
        throw new EarshotError(
          'diskFull',
          { path: home.runtimes, neededBytes: needed, freeBytes: await freeBytes(home.runtimes) },
          failed.detail,
        );
      }
      throw error;
    } finally {
      ended = true;
      clearInterval(timer);
      await rm(building, { recursive: true, force: true, maxRetries: 3 });
    }
  };

  return { directory, ready, install };
}

/** Builds that a killed process left behind. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(/^\.building-(\d+)-/.exec(name)?.[1]);
    if (pid && !isAlive(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
