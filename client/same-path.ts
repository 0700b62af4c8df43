/** Whether two paths mean the same file, as one program got it from its user and another from the system. */
import { realpathSync } from 'node:fs';
import { comparable } from '../text/paths.ts';

const DRIVE = /^[a-z]:(?=\\)/;

/**
 * `C:\talk.wav` and `c:\Talk.wav` are one file to Windows, and so are `X:\talk.wav` and `\\server\talks\talk.wav` where
 * X: stands for that share: the editor says the one, the system, asked where a file really lies, the other. `rootOf`:
 * what a drive really is. @returns false too where a drive cannot be asked
 */
export function samePath(
  a: string,
  b: string,
  platform: NodeJS.Platform = process.platform,
  rootOf: (drive: string) => string = realpathSync.native,
): boolean {
  if (a === b) return true;
  const one = comparable(a, platform),
    other = comparable(b, platform);
  if (one === other) return true;
  if (platform !== 'win32') return false;
  // A drive may have to be asked for over the network: only where what follows it is the same.
  const behind = (path: string, end: string): boolean => DRIVE.test(path) && end.endsWith(path.slice(2));
  if (!behind(one, other) && !behind(other, one)) return false;
  const real = (path: string): string => {
    const drive = DRIVE.exec(path)?.[0];
    if (drive === undefined) return path;
    try {
      return comparable(rootOf(`${drive}\\`), platform).replace(/\\$/, '') + path.slice(2);
    } catch {
      return path;
    }
  };
  return real(one) === real(other);
}
