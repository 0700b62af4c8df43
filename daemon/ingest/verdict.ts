/** What went wrong with a recording, from ffmpeg's exit, its report and what came out: a pure decision. */
import { failure, type Failure } from '../../schemas/errors.ts';
import type { DecodingReport } from './decoding.ts';

export interface Evidence {
  report: DecodingReport;
  /** Exit status, or the signal that ended it. */
  exit: number | NodeJS.Signals;
  /** The file's last bytes say that more was to come. */
  endsEarly: boolean;
  readMs: number;
  path: string;
  audioTrack: number;
  ffmpeg: string;
  /** It ran in the sandbox. */
  sandboxed: boolean;
}

/** Containers round and pad; less than this is not missing. */
const toleranceMs = (durationMs: number): number => Math.max(500, durationMs * 0.005);

/** `failure` ends the ingest; `warning` goes with what could be read. */
export function verdict({ report, exit, endsEarly, readMs, path, audioTrack, ffmpeg, sandboxed }: Evidence): {
  failure: Failure | null;
  warning: Failure | null;
} {
  const words = report.lastLines.join('\n') || undefined;
  const fails = (failure: Failure) => ({ failure, warning: null });
  if (report.format === null) {
    // A script that leads elsewhere, or libraries that lie elsewhere: it never came to be ffmpeg.
    if (sandboxed && !report.spoke && typeof exit === 'number' && exit !== 0)
      return fails(failure('noFfmpeg', { path: ffmpeg, sandboxed: 1 }, words));
    if (report.indexMissing && !report.guessed) return fails(failure('truncatedFile', { path, readMs: 0 }, words));
    const said = report.lastLines.join('\n');
    if (/Permission denied|Input\/output error/.test(said)) return fails(failure('unreadableFile', { path }, words));
    return typeof exit === 'number' && /Error opening input|Invalid data found|not on whitelist/.test(said)
      ? fails(failure('notMedia', { path }, words))
      : fails(failure('ffmpegFailed', { path, exit }, words));
  }
  if (report.audioTracks === 0)
    return fails(failure(report.streams === 0 ? 'notMedia' : 'noAudioTrack', { path }, words));
  if (audioTrack >= report.audioTracks)
    return fails(failure('noSuchTrack', { path, track: audioTrack, tracks: report.audioTracks }, words));
  if (typeof exit === 'string') return fails(failure('ffmpegFailed', { path, exit }, words));
  if (readMs === 0)
    return exit === 0
      ? fails(failure('emptyFile', { path }, words))
      : report.durationMs === null
        ? fails(failure('notMedia', { path }, words))
        : fails(failure('ffmpegFailed', { path, exit }, words));
  const durationMs = report.durationMs ?? 0;
  const short = !report.estimated && durationMs - readMs > toleranceMs(durationMs);
  // In a video the sound may rightly end before the picture: there it takes a complaint as well.
  const cut = exit !== 0 || endsEarly || report.truncated || (short && (report.streams === 1 || report.errors > 0));
  const warning: Failure | null = cut
    ? failure('truncatedFile', { path, readMs, ...(short ? { durationMs } : {}) }, words)
    : report.damaged
      ? failure('damagedFile', { path }, words)
      : null;
  return { failure: null, warning };
}
