/**
 * The Python that engines run in: finding one on this machine, and building an environment of our own from a lock file
 * with hashes.
 */
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import { isProgram, onPath } from '../system/find-program.ts';
import { obstacleIn } from '../system/network.ts';
import { environment } from '../workers/environment.ts';
import { run, SYSTEM_FOLDER, type Finished, type RunOptions } from '../workers/spawn.ts';

/** The oldest Python that the lock file covers. */
export const OLDEST_PYTHON = [3, 9] as const;

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

/**
 * Folders with NVIDIA's libraries inside an environment: a worker that uses CUDA needs them in LD_LIBRARY_PATH (PATH on
 * Windows).
 */
export function cudaLibraries(directory: string, platform: NodeJS.Platform = process.platform): string[] {
  const packages = sitePackages(directory, platform);
  if (!packages) return [];
  return ['cublas', 'cudnn', 'cuda_nvrtc']
    .map(name => join(packages, 'nvidia', name, platform === 'win32' ? 'bin' : 'lib'))
    .filter(path => existsSync(path));
}

/** The version that "Python 3.11.7" names, or null. */
export function parseVersion(text: string): [number, number] | null {
  const match = /Python (\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : null;
}

const newEnough = (version: readonly [number, number] | null): boolean =>
  version !== null &&
  (version[0] > OLDEST_PYTHON[0] || (version[0] === OLDEST_PYTHON[0] && version[1] >= OLDEST_PYTHON[1]));

/** A Python to start from: the setting's, else the newest-named one on PATH that is new enough. Throws `noPython`. */
export async function findPython(
  settings: Pick<Settings, 'pythonPath'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const needed = OLDEST_PYTHON.join('.');
  const chosen = settings.pythonPath;
  const candidates = chosen
    ? [chosen]
    : ['python3', 'python'].map(name => onPath(name, env)).filter(path => path !== null);
  let seen = '';
  for (const path of candidates) {
    if (!isProgram(path)) continue;
    // Windows has a `python` that only opens a shop; a time limit and the version keep it out.
    const answer = await runPython(path, ['--version'], { timeoutMs: 15_000 }, env).catch(() => null);
    if (answer && newEnough(parseVersion(answer.tail))) return path;
    seen = answer?.tail.trim() ?? '';
  }
  throw new EarshotError('noPython', { needed, ...(chosen ? { path: chosen } : {}) }, seen || undefined);
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

export interface BuildPython {
  /** Folder to make; moving it later does not harm an environment whose scripts nobody calls. */
  directory: string;
  requirements: string;
  settings: Pick<Settings, 'pythonPath'>;
  step: (name: 'python' | 'packages') => void;
  signal: AbortSignal;
  env: NodeJS.ProcessEnv;
}

/**
 * Makes an environment with exactly the locked packages, with `uv` when it is there, else with venv and pip. Throws
 * `noPython`, `engineInstallFailed`, `cancelled`.
 */
export async function buildPython({
  directory,
  requirements,
  settings,
  step,
  signal,
  env,
}: BuildPython): Promise<void> {
  step('python');
  const uv = onPath('uv', env);
  const base = await findPython(settings, env).catch((error: unknown) => {
    if (uv && !settings.pythonPath) return null; // uv brings a Python of its own
    throw error;
  });
  const must = async (what: Promise<Finished>) => {
    const { status, tail } = await what;
    if (status !== 0)
      throw new EarshotError('engineInstallFailed', { engine: 'python', why: obstacleIn(tail) }, tail.trim());
  };
  // uv looks for its configuration where it stands.
  const how = { cwd: dirname(directory), signal };
  const locked = ['--require-hashes', '--no-deps', '--only-binary', ':all:', '--quiet', '-r', requirements];
  if (uv) {
    const runUv = (...args: string[]): Promise<Finished> =>
      run(uv, args, { ...how, env: environment('installer', {}, env) });
    await must(runUv('venv', '--quiet', '--seed', ...(base ? ['--python', base] : []), directory));
    step('packages');
    await must(runUv('pip', 'install', '--python', python(directory), ...locked));
    return;
  }
  const pip = await makeVenv(base!, directory, how, env);
  step('packages');
  const quiet = ['--no-input', '--disable-pip-version-check', '--progress-bar', 'off'];
  await must(runPython(pip.program, [...pip.args, 'install', ...quiet, ...locked], how, env));
}

/** Makes an empty environment; answers how pip installs into it. Throws `noPython` with `missing: venv`. */
async function makeVenv(
  base: string,
  directory: string,
  how: { cwd: string; signal: AbortSignal },
  env: NodeJS.ProcessEnv,
): Promise<{ program: string; args: string[] }> {
  const made = await runPython(base, ['-m', 'venv', directory], how, env);
  if (made.status === 0) return { program: python(directory), args: ['-m', 'pip'] };
  // Debian splits off the part that puts pip into an environment. The system's own pip, where there is one, can do it
  // from outside.
  await rm(directory, { recursive: true, force: true });
  const bare = await runPython(base, ['-m', 'venv', '--without-pip', directory], how, env);
  if (bare.status === 0 && (await hasPip(base, env)))
    return { program: base, args: ['-m', 'pip', '--python', python(directory)] };
  throw new EarshotError('noPython', { needed: OLDEST_PYTHON.join('.'), missing: 'venv' }, made.tail.trim());
}

/** Whether an interpreter has pip. */
export const hasPip = async (path: string, env: NodeJS.ProcessEnv): Promise<boolean> =>
  (await runPython(path, ['-m', 'pip', '--version'], { timeoutMs: 15_000 }, env).catch(() => null))?.status === 0;
