/** One call of ffmpeg that makes or changes sound; never a shell. */
import { EarshotError } from '../../schemas/errors.ts';
import { environment } from '../workers/environment.ts';
import type { Permissions } from '../workers/sandbox/permissions.ts';
import { run, SYSTEM_FOLDER } from '../workers/spawn.ts';

export interface FfmpegCall {
  ffmpeg: string;
  args: readonly string[];
  /** What it works for: named in failures. */
  path: string;
  /** Goes to its standard input. */
  input?: AsyncIterable<Buffer>;
  signal?: AbortSignal;
  /** Where it reads what others made. */
  permissions?: Permissions | null;
}

/** Nothing that we make is a fraction of this: two hours of sound at 48 kHz. */
const MAX_OUTPUT_BYTES = 1024 ** 3;

/** What ffmpeg wrote to standard output. Throws noFfmpeg, diskFull, ffmpegFailed with its last lines, or cancelled. */
export async function runFfmpeg({
  ffmpeg,
  args,
  path,
  input,
  signal,
  permissions = null,
}: FfmpegCall): Promise<Buffer> {
  const {
    status,
    signal: killed,
    output,
    truncated,
    errors,
  } = await run(ffmpeg, ['-hide_banner', '-nostats', '-loglevel', 'error', ...(input ? [] : ['-nostdin']), ...args], {
    cwd: SYSTEM_FOLDER,
    env: environment('local'),
    permissions,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    signal,
    ...(input ? { input } : {}),
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall?.startsWith('spawn')) throw new EarshotError('noFfmpeg', { path: ffmpeg }, error.message);
    throw error;
  });
  const words = errors.trim();
  // A shell's words for what it may not run, or does not find.
  if (permissions && (status === 126 || status === 127))
    throw new EarshotError('noFfmpeg', { path: ffmpeg, sandboxed: 1 }, words);
  if (status !== 0 || truncated)
    throw /No space left on device|Disk quota exceeded/.test(words)
      ? new EarshotError('diskFull', { path }, words)
      : new EarshotError('ffmpegFailed', { path, exit: status ?? killed ?? 'unknown' }, words);
  return output;
}
