/** What the tests of real engines find installed on this machine, and how they say that something is not. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { home } from '../../daemon/auth/home.ts';
import { findFfmpeg } from '../../daemon/runtimes/ffmpeg.ts';
import { createRuntimes } from '../../daemon/runtimes/runtimes.ts';
import { DEFAULTS } from '../../schemas/settings.ts';

const place = home(),
  runtimes = createRuntimes({ home: place, settings: () => DEFAULTS });
export const SAMPLES = join(import.meta.dirname, '..', '..', 'samples');

export const sherpa: string | null = runtimes.ready('sherpa') ? runtimes.directory('sherpa') : null;
export const dictionaries: string | null = runtimes.ready('dictionaries') ? runtimes.directory('dictionaries') : null;
export const llama: string | null = runtimes.ready('llama') ? runtimes.directory('llama') : null;
/** The environment of the Python engines. */
export const python: string | null = runtimes.ready('python') ? runtimes.directory('python') : null;
export const ffmpeg: string | null = ((): string | null => {
  try {
    return findFfmpeg(DEFAULTS, runtimes);
  } catch {
    return null;
  }
})();
export const modelFolder = (id: string): string | null => {
  const folder = join(place.models, id);
  return existsSync(folder) ? folder : null;
};

/** For `skip`: false when everything is there, else the reason, which the runner prints. */
export const missing = (needs: Record<string, unknown>): string | false => {
  const absent = Object.entries(needs)
    .filter(([, value]) => !value)
    .map(([name]) => name);
  return absent.length ? `not installed: ${absent.join(', ')}` : false;
};

/** Makes a file with ffmpeg. */
export const make = (args: readonly string[]): void => {
  execFileSync(ffmpeg!, ['-nostdin', '-y', '-hide_banner', '-loglevel', 'error', ...args]);
};
