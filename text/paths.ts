/** How paths relate, by their letters alone, on each system. */
import { posix, win32 } from 'node:path';

/** Windows' ways of saying that a path is as long as it is: `\\?\C:\…`, `\\?\UNC\server\share\…`. */
const LONG = /^\\\\\?\\(UNC\\)?/i;

/** A drive's own \ stays. */
const withoutEnd = (path: string): string => (/[^:\\]\\$/.test(path) ? path.slice(0, -1) : path);

/**
 * One spelling of all that lead to the same file: Windows and macOS pass over case (and macOS over how accents are
 * made), Windows over which way the slashes lean. To compare, never to open.
 */
export function comparable(path: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32')
    return withoutEnd(
      win32.normalize(path.replaceAll('/', '\\').replace(LONG, (_, share?: string) => (share ? '\\\\' : ''))),
    ).toLowerCase();
  const whole = posix.normalize(path),
    plain = whole.length > 1 && whole.endsWith('/') ? whole.slice(0, -1) : whole;
  return platform === 'darwin' ? plain.normalize('NFC').toLowerCase() : plain;
}

/**
 * The way from a folder to what lies in it, with /, '' for itself; null: it lies elsewhere, on another of Windows'
 * drives for example.
 */
export function wayInto(folder: string, path: string, platform: NodeJS.Platform = process.platform): string | null {
  const { relative, isAbsolute, sep } = platform === 'win32' ? win32 : posix,
    way = relative(folder, path);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way) ? null : way.split(sep).join('/');
}
