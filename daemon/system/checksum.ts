/**
 * What a file holds, as one sum. Up to a gigabyte every byte counts; of larger files 256 pieces of 4 MiB spread evenly,
 * the first and the last among them, and the size: recordings that long are compressed or differ in length, so two that
 * agree in all of these are the same. The sums are made outside of the event loop, a piece at a time.
 */
import { createHash, subtle } from 'node:crypto';
import { openFile } from '../../client/files.ts';

const PIECE_BYTES = 4 * 1024 ** 2,
  MOST_PIECES = 256;

/** Where to read, in order. */
export function pieces(bytes: number): { at: number; length: number }[] {
  const count = Math.ceil(bytes / PIECE_BYTES);
  if (count <= MOST_PIECES)
    return Array.from({ length: count }, (_, i) => ({
      at: i * PIECE_BYTES,
      length: Math.min(PIECE_BYTES, bytes - i * PIECE_BYTES),
    }));
  const last = bytes - PIECE_BYTES;
  return Array.from({ length: MOST_PIECES }, (_, i) => ({
    at: Math.floor((last * i) / (MOST_PIECES - 1)),
    length: PIECE_BYTES,
  }));
}

/** Null: the file is shorter than it was said to be. */
export async function checksumOf(path: string, bytes: number): Promise<string | null> {
  const whole = createHash('sha256').update(`${bytes}`);
  await using file = await openFile(path);
  for (const { at, length } of pieces(bytes)) {
    const piece = new Uint8Array(length);
    for (let read = 0; read < length;) {
      const { bytesRead } = await file.read(piece, read, length - read, at + read);
      if (bytesRead === 0) return null;
      read += bytesRead;
    }
    whole.update(new Uint8Array(await subtle.digest('SHA-256', piece)));
  }
  return whole.digest('hex');
}

/** Of a file with this content. */
export function checksumOfBytes(bytes: Uint8Array): string {
  const whole = createHash('sha256').update(`${bytes.length}`);
  for (const { at, length } of pieces(bytes.length))
    whole.update(
      createHash('sha256')
        .update(bytes.subarray(at, at + length))
        .digest(),
    );
  return whole.digest('hex');
}
