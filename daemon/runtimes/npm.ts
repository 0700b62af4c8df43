/**
 * Node packages that engines need, installed by npm from a lock file that is first cut down to what this machine uses.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeAnew } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { RuntimeId } from '../contracts/engine.ts';
import { onPath } from '../system/find-program.ts';
import type { Lock } from './lock.ts';
import { fetchPackages } from './registry-packages.ts';
import { obstacleIn } from '../system/network.ts';
import { environment } from '../workers/environment.ts';
import { run } from '../workers/spawn.ts';

/**
 * How npm is started: its script by a Node (Windows cannot start npm.cmd without a shell), or the program itself. Null:
 * there is none.
 */
export function findNpm(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): { program: string; args: string[] } | null {
  const path = onPath('npm', env, platform);
  if (!path) return null;
  if (platform !== 'win32') return { program: path, args: [] };
  const script = join(dirname(path), 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const node = onPath('node', env, platform);
  return existsSync(script) && node ? { program: node, args: [script] } : null;
}

export interface BuildNpm {
  runtime: RuntimeId;
  directory: string;
  /** For what is on its way. */
  temporary: string;
  manifest: string;
  lock: Lock;
  signal: AbortSignal;
  env: NodeJS.ProcessEnv;
}

/**
 * Installs a pack into `directory`, which exists: by npm, which knows best how its user reaches a registry, or without
 * where there is none. No install scripts run. Throws `engineInstallFailed`, `cancelled`.
 */
export async function buildNpm(build: BuildNpm): Promise<void> {
  const { runtime, directory, temporary, manifest, lock, signal, env } = build,
    npm = findNpm(env);
  await writeAnew(join(directory, 'package.json'), manifest, 0o666);
  await writeAnew(join(directory, 'package-lock.json'), JSON.stringify(lock, null, 2), 0o666);
  if (!npm) return fetchPackages({ runtime, directory, temporary, lock, signal, env });
  const { status, tail } = await run(
    npm.program,
    [...npm.args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--no-update-notifier'],
    { cwd: directory, signal, env: environment('installer', {}, env) },
  );
  if (status !== 0)
    throw new EarshotError('engineInstallFailed', { engine: runtime, why: obstacleIn(tail) }, tail.trim());
}
