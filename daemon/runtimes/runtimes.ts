/**
 * What engines need beside Earshot (a Python environment, Node packages with native parts), installed into the data
 * folder.
 *
 * One folder a runtime, named by the hash of its lock. It is built under another name and renamed when it is whole,
 * with a stamp inside: so a folder that is there is right, and looking takes one stat. What a cut installation had
 * fetched waits in pip's and npm's caches.
 */
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { RuntimeId } from '../contracts/engine.ts';
import type { Home } from '../auth/home.ts';
import { freeBytes as diskFreeBytes } from '../system/disk.ts';
import { sharedWork } from '../system/shared-work.ts';
import { build, STAMP, type RuntimeProgress } from './build.ts';
import { pack, type Machine, type Pack } from './packs.ts';
import { python } from './python.ts';

export interface Runtimes {
  /** Where it is, or will be. */
  directory(id: RuntimeId): string;
  ready(id: RuntimeId): boolean;
  /** Rough size when installed. */
  bytes(id: RuntimeId): number;
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

export function createRuntimes({
  home,
  settings,
  nvidia = () => false,
  freeBytes = diskFreeBytes,
  env = process.env,
}: RuntimesOptions): Runtimes {
  const packs = new Map<string, Pack>();
  const machine = (): Machine => ({
    platform: process.platform,
    arch: process.arch,
    release: release(),
    nvidia: nvidia(),
  });
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
    await work.run(target, report, signal, (publish, stop) =>
      build(
        {
          id,
          pack: packOf(id),
          folder: home.runtimes,
          target,
          isReady: () => ready(id),
          settings: settings(),
          freeBytes,
          env,
        },
        publish,
        stop,
      ),
    );
  };
  return { directory, ready, bytes: id => packOf(id).bytes, install };
}
