/** The Python that engines run in: where things are in an environment, and how an interpreter is called. */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { environment } from '../workers/environment.ts';
import { run, SYSTEM_FOLDER, type Finished, type RunOptions } from '../workers/spawn.ts';

/** The oldest Python that the lock files cover. */
export const OLDEST_PYTHON = [3, 9] as const;

/** Of a machine, what decides which packages are built for it. */
export interface Built {
  platform: NodeJS.Platform;
  arch: string;
  /** The system's own version, as os.release() gives it. */
  release?: string;
}

/** Darwin's number of macOS 14. */
const SONOMA = 23;

/** Macs that newer packages are not built for: Intel, and macOS before 14. They get older ones. */
export const isOlderMac = ({ platform, arch, release }: Built): boolean =>
  platform === 'darwin' && (arch === 'x64' || Number.parseInt(release ?? '99', 10) < SONOMA);

/** The newest Python that has all of a machine's packages; null: there is no limit. */
export const newestPython = (machine: Built): readonly [number, number] | null =>
  isOlderMac(machine) ? [3, 12] : null;

/** What Windows' packages are built for: Earshot is a program for x64 there, also on ARM. */
export const WINDOWS_PYTHON = 'win-amd64';

/** The interpreter of an environment. */
export const python = (directory: string, platform: NodeJS.Platform = process.platform): string =>
  platform === 'win32' ? join(directory, 'Scripts', 'python.exe') : join(directory, 'bin', 'python');

/** Where an environment's packages are, or null when it is not whole. */
export function sitePackages(directory: string, platform: NodeJS.Platform = process.platform): string | null {
  if (platform === 'win32') return join(directory, 'Lib', 'site-packages');
  try {
    const version = readdirSync(join(directory, 'lib')).find(name => /^python3\.\d+$/.test(name));
    return version ? join(directory, 'lib', version, 'site-packages') : null;
  } catch {
    return null;
  }
}

/** Folders with NVIDIA's libraries inside an environment. */
export function cudaLibraries(directory: string, platform: NodeJS.Platform = process.platform): string[] {
  const packages = sitePackages(directory, platform);
  if (!packages) return [];
  return ['cublas', 'cudnn', 'cuda_nvrtc']
    .map(name => join(packages, 'nvidia', name, platform === 'win32' ? 'bin' : 'lib'))
    .filter(path => existsSync(path));
}

/** Where programs look for NVIDIA's libraries, those of an environment first; {} where it has none. */
export function cudaEnvironment(directory: string, env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const libraries = cudaLibraries(directory),
    name = process.platform === 'win32' ? 'PATH' : 'LD_LIBRARY_PATH',
    before = env[name];
  return libraries.length ? { [name]: [...libraries, ...(before ? [before] : [])].join(delimiter) } : {};
}

/** The version that "Python 3.11.7" names, or null. */
export function parseVersion(text: string): [number, number] | null {
  const match = /Python (\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : null;
}

/**
 * Runs an interpreter, isolated (-I): neither the folder that it stands in nor the user's own packages and variables
 * are looked at for modules.
 */
export const runPython = (
  path: string,
  args: readonly string[],
  options: Partial<Pick<RunOptions, 'cwd' | 'signal' | 'timeoutMs'>>,
  env: NodeJS.ProcessEnv,
): Promise<Finished> =>
  run(path, ['-I', ...args], { cwd: SYSTEM_FOLDER, ...options, env: environment('installer', {}, env) });
