/** A small text that lies in a folder which may be a stranger's: under its name may lie anything. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** @throws when it is no file (a pipe would be waited for, a device has no end), or larger (code EFBIG) */
export async function readSmall(path: string, mostBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    return await readSmallFrom(file, mostBytes);
  } finally {
    await file.close();
  }
}

/** The same of one that is open. */
export async function readSmallFrom(file: FileHandle, mostBytes: number): Promise<Buffer> {
  const about = await file.stat();
  if (!about.isFile()) throw new Error('no file');
  const bytes = Buffer.alloc(Math.min(about.size, mostBytes) + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read)
    ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length));
  if (length > mostBytes) throw Object.assign(new Error(`more than ${mostBytes} bytes`), { code: 'EFBIG' });
  return bytes.subarray(0, length);
}
