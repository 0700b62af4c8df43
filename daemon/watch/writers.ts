/**
 * Who still writes: on Linux /proc knows the files that this user's programs have open. Elsewhere, and for other users'
 * programs, the settle time must do.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

const SLICE_MS = 8;
/** O_WRONLY and O_RDWR. */
const WRITES = 0o3;

/**
 * Those of the paths that some program has open for writing. One look at all programs, whatever the number of paths;
 * the event loop goes on in between.
 */
export async function openForWriting(paths: ReadonlySet<string>, proc = '/proc'): Promise<Set<string>> {
  const found = new Set<string>();
  if (process.platform !== 'linux' || paths.size === 0) return found;
  let since = performance.now();
  for (const pid of list(proc)) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of list(`${proc}/${pid}/fd`))
      try {
        const path = readlinkSync(`${proc}/${pid}/fd/${fd}`);
        if (!paths.has(path) || found.has(path)) continue;
        const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`${proc}/${pid}/fdinfo/${fd}`, 'utf8'));
        if (flags && (Number.parseInt(flags[1]!, 8) & WRITES) !== 0) found.add(path);
      } catch {
        /* closed meanwhile */
      }
    if (performance.now() - since > SLICE_MS) {
      await turn();
      since = performance.now();
    }
  }
  return found;
}

/** Nothing where the program has ended or is another user's. */
function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
