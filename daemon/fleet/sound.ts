/**
 * How a recording comes to another machine: through a folder that both have (a mapped root, no bytes moved), or as
 * chunks in the database. Small recordings travel as they are; of large ones only the sound that the recognizer hears,
 * as FLAC, which gives the same utterances to the sample. What an object store would do fits the same two functions.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, rm, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, relative, sep } from 'node:path';
import { makeFolder, openNew } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { checksumOf } from '../system/checksum.ts';
import { freeBytes, LEAST_FREE_BYTES } from '../system/disk.ts';
import type { JobRow } from '../contracts/store.ts';
import type { Sound } from './rows.ts';

export const CHUNK_BYTES = 256 * 1024;
/** How often the room on the disk is looked at: somebody else decides how much comes. */
const CHUNKS_A_LOOK = 64;
/** Larger recordings are decoded first. */
export const AS_IT_IS_BYTES = 64 * 1024 ** 2;

export type Roots = Readonly<Record<string, string>>;

/** The root that a file lies in, and where in it; null: in none. */
export async function rootOf(path: string, roots: Roots): Promise<{ root: string; path: string } | null> {
  for (const [root, folder] of Object.entries(roots)) {
    const real = await realpath(folder).catch(() => null);
    const inside = real === null ? null : relative(real, path);
    if (inside && !inside.startsWith('..') && !isAbsolute(inside)) return { root, path: inside.split(sep).join('/') };
  }
  return null;
}

/** A recording in a root that the fleet shares. */
export async function rootedSound(row: JobRow, roots: Roots): Promise<Sound | null> {
  const at = await rootOf(row.path, roots);
  if (!at) return null;
  const checksum = await checksumOf(row.path, row.bytes);
  if (checksum === null) throw new EarshotError('recordingChanged', { path: row.path });
  return { kind: 'root', ...at, bytes: row.bytes, modifiedAt: row.modifiedAt, checksum };
}

/**
 * The file of a mapped root on this machine, which must be the very one that was submitted. @throws noSuchFile,
 * recordingChanged
 */
export async function openRooted(sound: Sound & { kind: 'root' }, roots: Roots): Promise<string> {
  const folder = Object.hasOwn(roots, sound.root) ? roots[sound.root] : undefined,
    shown = `${sound.root}:${sound.path}`;
  if (folder === undefined) throw new EarshotError('noSuchFile', { path: shown });
  const [root, path] = await Promise.all([realpath(folder), realpath(join(folder, ...sound.path.split('/')))]).catch(
    () => {
      throw new EarshotError('noSuchFile', { path: shown });
    },
  );
  const inside = relative(root, path);
  if (!inside || inside.startsWith('..') || isAbsolute(inside)) throw new EarshotError('noSuchFile', { path: shown });
  const found = await stat(path);
  const same =
    found.isFile() &&
    found.size === sound.bytes &&
    // File systems of other machines keep coarser times.
    Math.abs(found.mtimeMs - sound.modifiedAt) < 2000 &&
    (await checksumOf(path, found.size)) === sound.checksum;
  if (!same) throw new EarshotError('recordingChanged', { path: shown });
  return path;
}

export interface ChunkSink {
  there: ReadonlySet<number>;
  put(n: number, data: Buffer): Promise<void>;
  /** 0 to 1 of the file is there. */
  progress(fraction: number): void;
  signal: AbortSignal;
}

/** Sends a file in chunks, those that are there already left out. */
export async function sendFile(path: string, { there, put, progress, signal }: ChunkSink) {
  const sum = createHash('sha256');
  const { size } = await stat(path);
  let n = 0,
    bytes = 0;
  for await (const data of createReadStream(path, { highWaterMark: CHUNK_BYTES, signal }) as AsyncIterable<Buffer>) {
    sum.update(data);
    if (!there.has(n)) await put(n, data);
    n++;
    bytes += data.length;
    progress(Math.min(1, bytes / size));
  }
  return { chunks: n, sha256: sum.digest('hex') };
}

/**
 * Writes what came in chunks into `folder`, which is made anew. @throws recordingChanged where it is not what was sent
 */
export async function receiveFile(
  sound: Sound & { kind: 'chunks' },
  folder: string,
  chunk: (n: number) => Promise<Buffer | null>,
): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await makeFolder(folder, 0o700);
  const path = join(folder, safeName(sound.name)),
    sum = createHash('sha256');
  await using file = await openNew(path, 0o600);
  for (let n = 0; n < (sound.chunks ?? 0); n++) {
    if (n % CHUNKS_A_LOOK === 0 && (await freeBytes(folder)) < LEAST_FREE_BYTES)
      throw new EarshotError('diskFull', { path: folder });
    const data = await chunk(n);
    if (!data) throw new EarshotError('recordingChanged', { path: sound.name });
    sum.update(data);
    await file.write(data);
  }
  if (sum.digest('hex') !== sound.sha256) throw new EarshotError('recordingChanged', { path: sound.name });
  return realpath(path);
}

/** A name of somebody else's, as one of a file here. */
function safeName(name: string): string {
  const plain = basename(name.replaceAll('\\', '/'))
    .replaceAll(/[^\p{L}\p{N} ._-]/gu, '_')
    .replace(/^\.+/, '');
  return plain.length > 0 && plain.length <= 200 ? plain : `recording${extname(plain).slice(0, 10)}`;
}
