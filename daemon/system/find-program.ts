/** Finds programs on PATH without a shell. */
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Absolute paths of the programs of that name on PATH, in its order. Windows finds `python` as `python.exe`. */
export function allOnPath(
  name: string,
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string[] {
  const windows = platform === 'win32',
    endings = windows && !/\.(exe|com|cmd|bat)$/i.test(name) ? ['.exe', '.cmd', '.bat'] : [''];
  return (env.PATH ?? env.Path ?? '')
    .split(windows ? ';' : ':')
    .filter(Boolean)
    .flatMap(folder => endings.map(ending => join(folder, name + ending)))
    .filter(path => isProgram(path, platform));
}

/** The first of them, or null. */
export const onPath = (
  name: string,
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string | null => allOnPath(name, env, platform)[0] ?? null;

/** True for a file that may be executed. */
export function isProgram(path: string, platform: NodeJS.Platform = process.platform): boolean {
  try {
    if (!statSync(path).isFile()) return false;
    if (platform !== 'win32') accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    return platform === 'win32' && (error as NodeJS.ErrnoException).code !== 'ENOENT' && isAlias(path);
  }
}

/** What the Microsoft Store puts on PATH can be started, and not looked at: a link that only Windows follows. */
function isAlias(path: string): boolean {
  try {
    return !lstatSync(path).isDirectory();
  } catch {
    return false;
  }
}
