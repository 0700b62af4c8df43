/** One call of ffmpeg that makes or changes sound; never a shell. */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EarshotError } from '../../schemas/errors.ts';
import { inSandbox } from '../workers/sandbox/sandbox.ts';
import { harmless, type Permissions } from '../workers/sandbox/permissions.ts';

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

const LAST_BYTES = 4000;

/** What ffmpeg wrote to standard output. Throws noFfmpeg, diskFull, ffmpegFailed with its last lines, or cancelled. */
export async function runFfmpeg({
  ffmpeg,
  args: wanted,
  path,
  input,
  signal,
  permissions = null,
}: FfmpegCall): Promise<Buffer> {
  if (signal?.aborted) throw new EarshotError('cancelled');
  const { program, args } = inSandbox(
    {
      program: ffmpeg,
      args: ['-hide_banner', '-nostats', '-loglevel', 'error', ...(input ? [] : ['-nostdin']), ...wanted],
    },
    permissions,
  );
  const child = spawn(program, args, {
    ...(permissions ? { env: harmless(process.env) } : {}),
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  signal?.addEventListener('abort', kill, { once: true });
  const output: Buffer[] = [];
  let words = '';
  child.stdout!.on('data', (bytes: Buffer) => output.push(bytes));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-LAST_BYTES);
  });
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', error => reject(new EarshotError('noFfmpeg', { path: ffmpeg }, error.message)));
    child.once('close', (code, killed) => resolve(code ?? killed ?? 'unknown'));
  });
  // A broken pipe means that ffmpeg gave up; its exit says why. A failure of our own source ends it.
  let fed: unknown = null;
  const feeding = input
    ? pipeline(Readable.from(input), child.stdin!).catch((error: unknown) => {
        if (!isPipeError(error)) fed = error;
        kill();
      })
    : Promise.resolve();
  try {
    const exit = await ended;
    await feeding;
    if (signal?.aborted) throw new EarshotError('cancelled');
    if (fed) throw fed;
    // A shell's words for what it may not run, or does not find.
    if (permissions && (exit === 126 || exit === 127))
      throw new EarshotError('noFfmpeg', { path: ffmpeg, confined: 1 }, words.trim());
    if (exit !== 0)
      throw new EarshotError(
        /No space left on device|Disk quota exceeded/.test(words) ? 'diskFull' : 'ffmpegFailed',
        { path, exit },
        words.trim(),
      );
    return Buffer.concat(output);
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

const isPipeError = (error: unknown): boolean =>
  ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
