/** A path in a question, so that whoever is asked sees what will be opened. */
import { realpath } from 'node:fs/promises';
import { samePath } from '../../client/same-path.ts';

/**
 * With where its links lead behind it. A share of another machine is named as it is: the user is asked before that
 * machine is.
 */
export async function withTarget(path: string): Promise<string> {
  if (/^[\\/]{2}/.test(path)) return path;
  const target = await realpath(path).catch(() => path);
  return samePath(target, path) ? path : `${path} → ${target}`;
}
