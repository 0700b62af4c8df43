/** One call of ffmpeg that makes or changes sound; never a shell. */
import { EarshotError } from '../../schemas/errors.ts';
import { ffmpegProgram, type FfmpegCall as Call } from '../workers/ffmpeg.ts';
import { run } from '../workers/spawn.ts';

export interface FfmpegCall extends Call {
  /** What it works for: named in failures. */
  path: string;
  /** Goes to its standard input. */
  stdin?: AsyncIterable<Buffer>;
  signal?: AbortSignal;
}

/** Node's own last words in the sandbox, where ffmpeg was to come in its place. */
const NOT_STARTED = /process\.execve failed with error code (\w+)/;
/** Nothing that we make is a fraction of this: two hours of sound at 48 kHz. */
const MAX_OUTPUT_BYTES = 1024 ** 3;

/**
 * What ffmpeg wrote to standard output. Throws noFfmpeg, diskFull, ffmpegFailed with its last lines, workerCrashed
 * where it was killed, or cancelled.
 */
export async function runFfmpeg({ path, stdin, signal, ...call }: FfmpegCall): Promise<Buffer> {
  const { program, args, ...how } = ffmpegProgram(call);
  const {
    status,
    signal: killed,
    output,
    truncated,
    errors,
  } = await run(program, args, {
    ...how,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    signal,
    ...(stdin ? { input: stdin } : {}),
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall?.startsWith('spawn')) throw new EarshotError('noFfmpeg', { path: program }, error.message);
    throw error;
  });
  const words = errors.trim();
  const refused = NOT_STARTED.exec(words)?.[1];
  if (refused === 'ENOENT') throw new EarshotError('noFfmpeg', { path: program }, words);
  // A shell's words for what it may not run, or does not find.
  if (call.permissions && (refused || status === 126 || status === 127))
    throw new EarshotError('noFfmpeg', { path: program, sandboxed: 1 }, words);
  if (killed === 'SIGKILL') throw new EarshotError('workerCrashed', { engine: 'ffmpeg', exit: killed }, words);
  if (status !== 0 || truncated)
    throw /No space left on device|Disk quota exceeded/.test(words)
      ? new EarshotError('diskFull', { path }, words)
      : new EarshotError('ffmpegFailed', { path, exit: status ?? killed ?? 'unknown' }, words);
  return output;
}
