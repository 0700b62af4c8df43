/** Files of the kernel: /proc and /sys. */
import { readFileSync } from 'node:fs';

/** What the kernel answers when a process has ended, or when something is not for us to see. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL']);

/**
 * Null: it is not there, or not for us. @throws where nothing could be looked at (no descriptors left): that says
 * nothing about the file
 */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
