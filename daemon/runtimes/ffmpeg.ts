/** Which ffmpeg to use. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import { isProgram, onPath } from '../system/find-program.ts';
import { sitePackages } from './python.ts';
import type { Runtimes } from './runtimes.ts';

/**
 * Path of an ffmpeg: the setting's, else the one in imageio-ffmpeg's wheel (a static build of a version that we pin),
 * which is part of the Python runtime and a runtime of its own where Python's is not wanted, so that a recording gives
 * the same text on every machine. Until that is
 * installed one on PATH stands in for it. Throws `noFfmpeg`; a chosen one that is not there is an error, not a reason
 * to take another.
 */
export function findFfmpeg(
  settings: Pick<Settings, 'ffmpegPath'>,
  runtimes: Pick<Runtimes, 'directory' | 'ready'>,
  env: NodeJS.ProcessEnv = process.env,
): string {
  if (settings.ffmpegPath) {
    if (!isProgram(settings.ffmpegPath)) throw new EarshotError('noFfmpeg', { path: settings.ffmpegPath });
    return settings.ffmpegPath;
  }
  const found = ownFfmpeg(runtimes) ?? onPath('ffmpeg', env);
  if (!found) throw new EarshotError('noFfmpeg');
  return found;
}

/** Earshot's own: the Python runtime's, else the one that came alone; null: neither is installed yet. */
export const ownFfmpeg = (runtimes: Pick<Runtimes, 'directory' | 'ready'>): string | null =>
  (runtimes.ready('python') ? bundledFfmpeg(runtimes.directory('python')) : null) ??
  (runtimes.ready('ffmpeg') ? ffmpegAmong(runtimes.directory('ffmpeg')) : null);

/** The ffmpeg inside a Python environment, or null. */
export function bundledFfmpeg(directory: string): string | null {
  const packages = sitePackages(directory);
  return packages && ffmpegAmong(packages);
}

function ffmpegAmong(packages: string): string | null {
  const folder = join(packages, 'imageio_ffmpeg', 'binaries');
  try {
    const name = readdirSync(folder).find(file => file.startsWith('ffmpeg'));
    return name ? join(folder, name) : null;
  } catch {
    return null;
  }
}
