/**
 * The one way to write a file, and to open one that may be a stranger's. Where others may write, anything can lie under
 * a name by the time that we come there: a new file is made only where there is nothing, none is opened through a link,
 * nothing that is no file is waited for, and a name is given only while it is free. What is written is still there, and
 * whole, when the power has gone: bytes count once their file is synced, names once their folder is.
 *
 * The linter closes all other ways (.oxlintrc.json).
 */
import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type BigIntStats,
} from 'node:fs';
import {
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Another program has it open, and Windows lets nobody move or remove it meanwhile: a player, an editor, a virus
 * scanner.
 */
export class InUse extends Error {
  readonly path: string;
  constructor(path: string, cause: unknown) {
    super(`${path} is open in another program`, { cause });
    this.path = path;
  }
}

/** What Windows says then; elsewhere it means what it says. */
const SHARING = new Set(['EPERM', 'EACCES', 'EBUSY']);
/** Scanners are done within a second; players and sync programs are waited for up to ten. */
const PAUSES_MS = [10, 20, 40, 80, 160, 320, 640, ...Array.from({ length: 9 }, () => 1000)],
  /** Where the process waits as a whole. */
  SHORT_PAUSES_MS = PAUSES_MS.slice(0, 6);

export interface Patience {
  platform?: NodeJS.Platform;
  pausesMs?: readonly number[];
}

/** Does it again while another program has the file open. @throws InUse in the end */
export async function whileInUse<T>(
  path: string,
  work: () => Promise<T>,
  { platform = process.platform, pausesMs = PAUSES_MS }: Patience = {},
): Promise<T> {
  for (let n = 0; ; n++)
    try {
      return await work();
    } catch (error) {
      if (platform !== 'win32' || !SHARING.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      if (n >= pausesMs.length) throw new InUse(path, error);
      await sleep(pausesMs[n]);
    }
}

/** The same at once. */
function whileInUseNow<T>(work: () => T): T {
  const pauses = process.platform === 'win32' ? SHORT_PAUSES_MS : [];
  for (let n = 0; ; n++)
    try {
      return work();
    } catch (error) {
      if (n >= pauses.length || !SHARING.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauses[n]);
    }
}

// Windows has neither.
const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_APPEND } = constants,
  O_NOFOLLOW = constants.O_NOFOLLOW ?? 0,
  O_NONBLOCK = constants.O_NONBLOCK ?? 0;

/** A pipe, a device, a folder. */
export class NotAFile extends Error {
  constructor(path: string) {
    super(`${path} is no file`);
  }
}

/** What was opened, where it is a file. @throws NotAFile */
async function onlyFile(file: FileHandle, path: string): Promise<FileHandle> {
  try {
    if ((await file.stat()).isFile()) return file;
    throw new NotAFile(path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The same of a descriptor. */
function onlyFileNow(file: number, path: string): number {
  try {
    if (fstatSync(file).isFile()) return file;
    throw new NotAFile(path);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** A new file to read and write. @throws EEXIST where anything has this name, a link as well */
export const openNew = (path: string, mode: number): Promise<FileHandle> =>
  open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);

/** The same, after what lies under this name is gone: whatever it was, nothing is written through it. */
export async function openAnew(path: string, mode: number): Promise<FileHandle> {
  // One that is being removed still has its name.
  return whileInUse(path, async () => {
    await rm(path, { force: true });
    return openNew(path, mode);
  });
}

/** A file of ours, to read and write, kept as it is where it is there. @throws ELOOP at a link; where it is no file */
export const openOwn = async (path: string, mode: number): Promise<FileHandle> =>
  onlyFile(await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode), path);

/** One of ours that is there: a descriptor to read and write. */
export const openOwnNow = (path: string): number => openSync(path, O_RDWR | O_NOFOLLOW);

/** One to append to: a descriptor. @throws where it is no file */
export const openLog = (path: string): number =>
  onlyFileNow(openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o600), path);

/**
 * A file to read, of anybody's. `through`: a link may lead to it. @throws ELOOP; where it is no file: a pipe would be
 * waited for, a device has no end
 */
export const openFile = async (path: string, { through = true } = {}): Promise<FileHandle> =>
  onlyFile(await open(path, O_RDONLY | O_NONBLOCK | (through ? 0 : O_NOFOLLOW)), path);

/** The same: a descriptor. */
export const openFileNow = (path: string): number => onlyFileNow(openSync(path, O_RDONLY | O_NONBLOCK), path);

/** A whole new file in a folder of ours, in the place of what lay there. */
export async function writeAnew(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  await using file = await openAnew(path, mode);
  await file.writeFile(content);
}

/** The same at once. */
export function writeAnewNow(path: string, content: string | Uint8Array, mode: number): void {
  const file = whileInUseNow(() => {
    rmSync(path, { force: true });
    return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  });
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A copy under a name that is free, sharing its bytes where the disk can. @throws EEXIST */
export const copyNew = (from: string, to: string): Promise<void> =>
  copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);

export function copyAnewNow(from: string, to: string): void {
  rmSync(to, { force: true });
  copyFileSync(from, to, constants.COPYFILE_EXCL);
}

/** A second name, or a copy where file systems have none. */
export function linkOrCopyNow(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

/** A link of ours to a file. */
export const linkTo = (target: string, path: string): Promise<void> => symlink(target, path);

/** Moves a file or folder of ours within a folder of ours, over a file that lies there. */
export const moveOwn = (from: string, to: string): Promise<void> => whileInUse(from, () => rename(from, to));
export const moveOwnNow = (from: string, to: string): void => whileInUseNow(() => renameSync(from, to));

/** File systems without second names, and what sandboxes and old servers say instead. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'UNKNOWN']);

/** Moves a file within its disk to a name that nothing has. False: something has it. @throws EXDEV on another disk */
export async function moveToFree(from: string, to: string, makeLink: typeof link = link): Promise<boolean> {
  try {
    await makeLink(from, to);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.has(code)) throw error;
    return moveWithoutLinks(from, to);
  }
  await whileInUse(from, () => unlink(from));
  return true;
}

/** The name is taken by an empty file of ours first, which the move then replaces as long as it is still empty. */
async function moveWithoutLinks(from: string, to: string): Promise<boolean> {
  try {
    await (await openNew(to, 0o600)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  const ours = await lstat(to);
  if (!ours.isFile() || ours.size > 0) return false;
  try {
    await moveOwn(from, to);
  } catch (error) {
    await unlink(to);
    throw error;
  }
  return true;
}

/**
 * Whether we may move or remove this file: in a folder where everybody writes (sticky, like /tmp), only its owner may.
 * `user`: who asks.
 */
export async function isOursToMove(path: string, user = process.geteuid?.()): Promise<boolean> {
  if (user === undefined || user === 0) return true;
  const [file, folder] = await Promise.all([lstat(path), stat(dirname(path))]);
  return (folder.mode & 0o1000) === 0 || file.uid === user || folder.uid === user;
}

/**
 * Names made, changed or removed in a folder are on the disk. Where a system does not sync folders, its own journal
 * must do.
 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using folder = await open(path, O_RDONLY);
  await folder.sync().catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
  });
}

export function syncFileNow(path: string): void {
  const file = openSync(path, O_RDWR | O_NOFOLLOW);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export function syncFolderNow(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, O_RDONLY);
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

/** Whether two looks are at one file. As doubles, numbers of Windows' files may look the same and be two. */
export const isSameFile = (one: Identity, other: Identity): boolean => one.ino === other.ino && one.dev === other.dev;
type Identity = Pick<BigIntStats, 'dev' | 'ino'>;

/**
 * Makes a folder and those above it. One step up at a time: Node's `recursive` goes on for ever where a file system
 * says of a new folder that it is not there (/proc), and keeps a thread of few.
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  const there = await stat(path).catch(unlessMissing);
  if (there?.isDirectory()) return;
  if (!there && dirname(path) !== path) await makeFolder(dirname(path), mode);
  await mkdir(path, { mode }).catch(async (error: unknown) => {
    // Somebody else made it just now.
    if (!(await stat(path).catch(unlessMissing))?.isDirectory()) throw error;
  });
  await syncFolder(dirname(path));
}

/** The same at once, for folders of ours. */
export function makeFolderNow(path: string, mode: number): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) return;
  if (!there && dirname(path) !== path) makeFolderNow(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

/** Gives a file of ours that was written under another name its own. */
export async function putInPlace(part: string, path: string): Promise<void> {
  {
    await using file = await open(part, O_RDWR | O_NOFOLLOW);
    await file.sync();
  }
  await moveOwn(part, path);
  await syncFolder(dirname(path));
}

/** Writes a small file of ours whole or not at all. */
export function replaceFile(path: string, content: string, mode: number): void {
  const part = `${path}.part`;
  try {
    writeAnewNow(part, content, mode);
    moveOwnNow(part, path);
    syncFolderNow(dirname(path));
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
