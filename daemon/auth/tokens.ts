/** The private directory of the socket and the token in it. */
import { randomBytes, timingSafeEqual, createHash } from 'node:crypto';
import { chmodSync, lstatSync } from 'node:fs';
import { makeFolderNow, replaceFile } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';

/**
 * Makes `directory` if need be and sees that it is a real directory of ours that nobody else may enter.
 * @throws outputNotWritable when it belongs to someone else or is a link.
 */
export function privateDirectory(directory: string): void {
  makeFolderNow(directory, 0o700);
  const found = lstatSync(directory);
  if (!found.isDirectory()) throw new EarshotError('outputNotWritable', { path: directory }, 'not a directory');
  // Windows keeps these under the user's profile, whose access list does this work.
  if (process.platform === 'win32') return;
  if (found.uid !== process.getuid!())
    throw new EarshotError('outputNotWritable', { path: directory }, `belongs to user ${found.uid}`);
  if ((found.mode & 0o077) !== 0) chmodSync(directory, 0o700);
}

/** Writes a new random token, readable by this user alone, and returns it; `textOf`: what the file says of it. */
export function newToken(path: string, textOf = (token: string): string => token): string {
  const token = randomBytes(32).toString('hex');
  // Renamed into place: nobody reads half a token, and a link planted at `path` is replaced, not followed.
  replaceFile(path, textOf(token), 0o600);
  return token;
}

/** Whether two tokens are equal, in a time that does not depend on where they differ or how long they are. */
export function sameToken(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
