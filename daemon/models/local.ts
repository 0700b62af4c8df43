/** Model files that already lie on this machine. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openFile } from '../../client/files.ts';
import type { ModelFile } from '../../schemas/model.ts';
import type { PartFile } from './part-file.ts';

const DEEPEST = 6,
  MOST_ENTRIES = 20_000,
  LARGE_BYTES = 1024 ** 2;

/**
 * Paths under the folders that may be this file: of its size, and of its name unless it is so large that the size alone
 * tells. The checksum decides later. Files that are not pinned are never taken from here: nothing could tell whether
 * they are right.
 */
export async function findLocal(file: ModelFile, folders: readonly string[]): Promise<string[]> {
  if (file.sha256 === null || file.bytes === null) return [];
  const names = new Set([
    file.name,
    ...file.sources.flatMap(source => (source.kind === 'hub' ? [basename(source.path)] : [])),
  ]);
  const found: { path: string; named: boolean }[] = [];
  let entries = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (++entries > MOST_ENTRIES) return;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (depth < DEEPEST && entry.name !== 'node_modules') await walk(path, depth + 1);
        continue;
      }
      const named = names.has(entry.name);
      // A hub's own cache holds links to its blobs, so links count as well.
      if (
        (named || file.bytes! >= LARGE_BYTES) &&
        (await stat(path).then(
          one => one.isFile() && one.size === file.bytes,
          () => false,
        ))
      )
        found.push({ path, named });
    }
  };
  for (const folder of folders) await walk(folder, 0);
  return found.sort((a, b) => Number(b.named) - Number(a.named)).map(one => one.path);
}

/** Copies a file into the part file. */
export async function copyInto(path: string, part: PartFile, onBytes: () => void, signal: AbortSignal): Promise<void> {
  await part.begin({ source: 'local' });
  await using file = await openFile(path);
  for await (const chunk of file.createReadStream({ highWaterMark: 1024 * 1024 })) {
    signal.throwIfAborted();
    await part.write(chunk as Buffer);
    onBytes();
  }
}
