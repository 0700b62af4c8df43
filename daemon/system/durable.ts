/**
 * Files and folders that are still there, and whole, when the power has gone: bytes count once their file is synced,
 * names once their folder is.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Names made, changed or removed in a folder are on the disk. Where a system does not sync folders, its own journal
 * must do.
 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    if (!isRefusal(error)) throw error;
  } finally {
    await folder.close();
  }
}

export function syncFileNow(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export function syncFolderNow(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  } finally {
    closeSync(folder);
  }
}

const isRefusal = (error: unknown): boolean =>
  ['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Makes a folder and those above it. */
export async function makeFolder(path: string, mode: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode });
  if (first === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

/**
 * A new file to write: whatever lies under this name goes first, so that a link that somebody planted there is never
 * followed.
 */
export async function openAnew(path: string, mode: number): Promise<FileHandle> {
  await rm(path, { force: true });
  return open(path, 'wx', mode);
}

/** Gives a file that was written under another name its own. */
export async function putInPlace(part: string, path: string): Promise<void> {
  const file = await open(part, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
  await syncFolder(dirname(path));
}

/** Writes a small file whole or not at all. */
export function replaceFile(path: string, content: string, mode: number): void {
  const part = `${path}.part`;
  try {
    writeFileSync(part, content, { mode, flush: true });
    renameSync(part, path);
    syncFolderNow(dirname(path));
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
