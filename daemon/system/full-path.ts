/** Paths as clients send them: the daemon stands in no folder of theirs, so that only a full one means a file. */
import { posix, win32 } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';

/** An address, but no drive: “https:”, “file:”, not “C:”. */
const ADDRESS = /^[a-z][a-z0-9+.-]+:/i,
  WINDOWS = /^([a-z]:[\\/]|\\\\)/i;

/** @throws notOnDisk (an address), foreignPath (one of Windows, elsewhere), badRequest (it is relative) */
export function checkFullPath(path: string, platform: NodeJS.Platform = process.platform): void {
  if ((platform === 'win32' ? win32 : posix).isAbsolute(path)) return;
  if (platform !== 'win32' && WINDOWS.test(path)) throw new EarshotError('foreignPath', { path });
  if (ADDRESS.test(path)) throw new EarshotError('notOnDisk', { path });
  throw new EarshotError('badRequest', { path });
}
