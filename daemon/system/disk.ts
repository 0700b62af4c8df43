/** Room on disks: what is free, and what a folder takes. */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What comes from elsewhere, and is as long as somebody else says, leaves this much. */
export const LEAST_FREE_BYTES = 256 * 1024 ** 2;

/** Bytes that we may still write on the disk that holds a folder (or would hold it). */
export async function freeBytes(folder: string): Promise<number> {
  for (let path = folder; ;) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      const above = dirname(path);
      if (above === path) throw error;
      path = above;
    }
  }
}

/** Sum of the files' sizes in a folder that may be changing; 0 when it is not there. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await folderBytes(path);
    else
      bytes += await lstat(path).then(
        stat => stat.size,
        () => 0,
      );
  }
  return bytes;
}
