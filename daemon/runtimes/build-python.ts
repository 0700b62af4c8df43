/** Builds an environment of our own from a lock file with hashes. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import { onPath } from '../system/find-program.ts';
import { obstacleIn } from '../system/network.ts';
import { environment } from '../workers/environment.ts';
import { run, type Finished } from '../workers/spawn.ts';
import { findPython, hasPip } from './find-python.ts';
import { newestPython, OLDEST_PYTHON, python, runPython, type Built } from './python.ts';

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
    const wanted = base ?? uvPython({ platform: process.platform, arch: process.arch, release: release() });
    await must(runUv('venv', '--quiet', '--seed', ...(wanted ? ['--python', wanted] : []), directory));
    step('packages');
    await must(runUv('pip', 'install', '--python', python(directory), ...locked));
    return;
  }
  const pip = await makeVenv(base!, directory, how, env);
  step('packages');
  const quiet = ['--no-input', '--disable-pip-version-check', '--progress-bar', 'off'];
  await must(runPython(pip.program, [...pip.args, 'install', ...quiet, ...locked], how, env));
}

/** The Python that uv is to bring, where not every one will do. */
export const uvPython = (machine: Built): string | null =>
  newestPython(machine)?.join('.') ?? (machine.platform === 'win32' ? 'cpython-3.12-windows-x86_64' : null);

/** Makes an empty environment; answers how pip installs into it. Throws `noPython` with `missing`: venv, store. */
async function makeVenv(
  base: string,
  directory: string,
  how: { cwd: string; signal: AbortSignal },
  env: NodeJS.ProcessEnv,
): Promise<{ program: string; args: string[] }> {
  const made = await runPython(base, ['-m', 'venv', directory], how, env);
  // Windows lets the shop's Python write below AppData only in a folder of its own, where nobody else finds it.
  if (made.status === 0 && !existsSync(python(directory)))
    throw new EarshotError('noPython', { needed: OLDEST_PYTHON.join('.'), missing: 'store' }, made.tail.trim());
  if (made.status === 0) return { program: python(directory), args: ['-m', 'pip'] };
  // Debian splits off the part that puts pip into an environment. The system's own pip, where there is one, can do it
  // from outside.
  await rm(directory, { recursive: true, force: true });
  const bare = await runPython(base, ['-m', 'venv', '--without-pip', directory], how, env);
  if (bare.status === 0 && (await hasPip(base, env)))
    return { program: base, args: ['-m', 'pip', '--python', python(directory)] };
  throw new EarshotError('noPython', { needed: OLDEST_PYTHON.join('.'), missing: 'venv' }, made.tail.trim());
}
