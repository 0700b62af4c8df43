/** Builds one runtime under another name and renames it when it is whole. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { moveOwn, writeAnew } from '../../client/files.ts';
import { EarshotError, toFailure } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { RuntimeId } from '../contracts/engine.ts';
import { folderBytes } from '../system/disk.ts';
import { installerNetwork } from './installer-network.ts';
import { buildNpm } from './npm.ts';
import type { Pack } from './packs.ts';
import { buildPython } from './build-python.ts';
import { fetchWheel } from './wheel.ts';

/** fraction: 0 to 1, null while it cannot be known. */
export interface RuntimeProgress {
  step: string;
  fraction: number | null;
}

export interface Build {
  id: RuntimeId;
  pack: Pack;
  /** Where runtimes are, and the folder there that this one becomes. */
  folder: string;
  target: string;
  isReady: () => boolean;
  settings: Settings;
  freeBytes: (folder: string) => Promise<number>;
  env: NodeJS.ProcessEnv;
}

/** In a runtime that is whole. */
export const STAMP = 'earshot-runtime.json';
const PROGRESS_INTERVAL_MS = 1000;

/** @throws offline, diskFull, noPython, noFfmpeg, engineInstallFailed, cancelled */
export async function build(
  wanted: Build,
  report: (progress: RuntimeProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const { id, pack, folder, target, isReady, settings, freeBytes } = wanted;
  if (settings.offline) throw new EarshotError('offline', { engine: id });
  await mkdir(folder, { recursive: true });
  await removeLeftovers(folder);
  // Room for the installed files, and for the archives they come out of.
  const needed = Math.ceil(pack.bytes * 1.4);
  const diskFull = async (detail?: string): Promise<EarshotError> =>
    new EarshotError('diskFull', { path: folder, neededBytes: needed, freeBytes: await freeBytes(folder) }, detail);
  if ((await freeBytes(folder)) < needed) throw await diskFull();
  const building = join(folder, `.building-${process.pid}-${id}-${pack.hash}`),
    made = join(building, 'made');
  await mkdir(join(building, 'tmp'), { recursive: true });
  const progress = watchProgress(building, pack.bytes, report);
  try {
    await fill(made, wanted, progress.step, signal);
    const stamp = { runtime: id, hash: pack.hash, installedAt: new Date().toISOString() };
    await writeAnew(join(made, STAMP), JSON.stringify(stamp), 0o666);
    await rm(target, { recursive: true, force: true }); // not ready, or we would not be here
    await moveOwn(made, target).catch((error: unknown) => {
      if (!isReady()) throw error; /* another process was quicker */
    });
    progress.stop();
    report({ step: 'done', fraction: 1 });
  } catch (error) {
    throw isDiskFull(error) ? await diskFull(toFailure(error).detail) : error;
  } finally {
    progress.stop();
    await rm(building, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What the pack is made of, into `made`, which does not exist. */
async function fill(
  made: string,
  { id, pack, settings, env }: Build,
  step: (name: string) => void,
  signal: AbortSignal,
): Promise<void> {
  // Archives that are being fetched lie in our own folder: they go with it, and their growth shows as progress.
  const temporary = join(made, '..', 'tmp'),
    childEnv = {
      ...env,
      ...(await installerNetwork(temporary, env)),
      TMPDIR: temporary,
      TEMP: temporary,
      TMP: temporary,
    };
  if (pack.kind === 'python') {
    await buildPython({ directory: made, requirements: pack.requirements, settings, signal, env: childEnv, step });
    return;
  }
  await mkdir(made);
  if (pack.kind === 'wheel') {
    const { wheel } = pack;
    if (!wheel) throw new EarshotError('noFfmpeg');
    await fetchWheel({ runtime: id, wheel, directory: made, temporary, signal, env: childEnv });
  } else {
    const { manifest, lock } = pack;
    await buildNpm({ runtime: id, directory: made, temporary, manifest, lock, signal, env: childEnv });
  }
}

/** Reports the growth of a folder towards `bytes`, until it is stopped. */
function watchProgress(folder: string, bytes: number, report: (progress: RuntimeProgress) => void) {
  let name = 'packages',
    most = 0,
    stopped = false;
  // Archives come and go while files appear: what was shown never goes back.
  const look = async (): Promise<void> => {
    most = Math.max(most, Math.min(0.99, (await folderBytes(folder)) / bytes));
    if (!stopped) report({ step: name, fraction: name === 'python' ? null : most });
  };
  const timer = setInterval(() => void look().catch(() => {}), PROGRESS_INTERVAL_MS);
  return {
    step: (next: string): void => {
      name = next;
      void look().catch(() => {});
    },
    stop: (): void => {
      stopped = true;
      clearInterval(timer);
    },
  };
}

/** Also as pip and npm report it, in their own words. */
function isDiskFull(error: unknown): boolean {
  const { code, detail = '' } = toFailure(error);
  if (code === 'cancelled') return false;
  return code === 'diskFull' || /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i.test(detail);
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
