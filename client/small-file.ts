/** Small texts, and pieces of files, that may be a stranger's: under a name may lie anything. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { openFile, openFileNow } from './files.ts';

/** What stands there: so many bytes, or fewer where the file ends. */
export async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  return buffer.subarray(0, bytesRead);
}

const tooLarge = (mostBytes: number): Error =>
  Object.assign(new Error(`longer than ${mostBytes} bytes`), { code: 'EFBIG' });

/** @throws when it is no file (a pipe would be waited for, a device has no end), or larger (code EFBIG) */
export async function readSmall(path: string, mostBytes: number): Promise<Buffer> {
  await using file = await openFile(path);
  return await readSmallFrom(file, mostBytes);
}

/** The same of one that is open. */
export async function readSmallFrom(file: FileHandle, mostBytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.min((await file.stat()).size, mostBytes) + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read)
    ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length));
  if (length > mostBytes) throw tooLarge(mostBytes);
  return bytes.subarray(0, length);
}

/** The same at once: for what is read before anything else can happen. */
export function readSmallNow(path: string, mostBytes: number): Buffer {
  const file = openFileNow(path);
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(file).size, mostBytes) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, length, bytes.length - length, length);
    if (length > mostBytes) throw tooLarge(mostBytes);
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
