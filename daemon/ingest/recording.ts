/**
 * The file of a recording: what can be said of it without reading it, and the file itself, opened so that it is the
 * one that was submitted. Its folder may be others' too: they could put a link to a private recording in its place.
 */
import { constants, type BigIntStats } from 'node:fs';
import { access, lstat, realpath, stat, statfs, type FileHandle } from 'node:fs/promises';
import { isSameFile, NotAFile, openFile } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';

/** What makes it the same file, taken when it is submitted. */
export interface RecordingFacts {
  bytes: number;
  /** ms */
  modifiedAt: number;
  /** The file system's number for it; null: it keeps none. */
  fileId: string | null;
}

/** Of file systems that make up numbers while a file is in use: FUSE, FAT, exFAT, and SMB of servers without. */
const WITHOUT_NUMBERS: ReadonlySet<number> = new Set([
  0x6573_5546, 0x4d44, 0x2011_bab0, 0xff53_4d42, 0xfe53_4d42, 0x517b,
]);

/** @throws noSuchFile, notAFile, unreadableFile, emptyFile */
export async function checkRecording(path: string): Promise<BigIntStats> {
  let found: BigIntStats;
  try {
    found = await stat(path, { bigint: true });
    if (!found.isFile()) throw new EarshotError('notAFile', { path });
    await access(path, constants.R_OK);
  } catch (error) {
    throw explained(error, path);
  }
  if (found.size === 0n) throw new EarshotError('emptyFile', { path });
  return found;
}

/** @throws noSuchFile, notAFile, unreadableFile, emptyFile */
export async function factsOf(path: string): Promise<RecordingFacts> {
  const found = await checkRecording(path),
    kind = await statfs(path).then(
      ({ type }) => type,
      () => 0,
    );
  return {
    bytes: Number(found.size),
    modifiedAt: Number(found.mtimeMs),
    fileId: WITHOUT_NUMBERS.has(kind) ? null : String(found.ino),
  };
}

/**
 * Open to read: the very file that these facts are of, where no link leads. Whoever reads it reads this descriptor,
 * whatever its name comes to mean. The device is not among the facts, since it changes when a disk is attached anew; it
 * is compared between the file and its name, both as they are now.
 * @throws recordingChanged, noSuchFile, notAFile, unreadableFile
 */
export async function openRecording(path: string, expected: RecordingFacts): Promise<FileHandle> {
  const file = await openFile(path, { through: false }).catch((error: unknown) => {
    throw isLoop(error) ? changed(path) : explained(error, path);
  });
  try {
    const found = await file.stat({ bigint: true });
    const [there, real] = await Promise.all([lstat(path, { bigint: true }), realpath(path)]);
    const same =
      real === path &&
      isSameFile(there, found) &&
      Number(found.size) === expected.bytes &&
      Number(found.mtimeMs) === expected.modifiedAt &&
      (expected.fileId === null || expected.fileId === String(found.ino));
    if (!same) throw changed(path);
    return file;
  } catch (error) {
    await file.close();
    throw explained(error, path);
  }
}

const changed = (path: string): EarshotError => new EarshotError('recordingChanged', { path });
const isLoop = (error: unknown): boolean => ['ELOOP', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '');

function explained(error: unknown, path: string): EarshotError {
  if (error instanceof EarshotError) return error;
  if (error instanceof NotAFile) return new EarshotError('notAFile', { path });
  const { code, message } = error as NodeJS.ErrnoException;
  return new EarshotError(
    code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' ? 'noSuchFile' : 'unreadableFile',
    { path },
    message,
  );
}
