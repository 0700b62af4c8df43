/** Whether a file says still what we wrote. */
import { isDeepStrictEqual } from 'node:util';
import type { Format } from '../../schemas/words.ts';

/** JSON says the same in any order. */
export function same(format: Format, there: string, ours: string): boolean {
  if (format !== 'json') return there === ours;
  try {
    return isDeepStrictEqual(JSON.parse(there), JSON.parse(ours));
  } catch {
    return false;
  }
}
