/** What went wrong with a recording, from ffmpeg's exit, its report and what came out: a pure decision. */
import { failure, type Failure } from '../../schemas/errors.ts';
import { leastLength, UNDECODED_EXIT, type DecodingReport } from './decoding.ts';

export interface Evidence {
  report: DecodingReport;
  /** Exit status, or the signal that ended it. */
  exit: number | NodeJS.Signals;
  /** The file's last bytes say that more was to come. */
  endsEarly: boolean;
  /** Its header names no length: that the end comes says nothing. */
  lengthOpen: boolean;
  /** We can read it ourselves. */
  readable: boolean;
  /** Its clock is not that of its sound, so neither is the length that it names. */
  clockOverruled: boolean;
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
export function verdict(evidence: Evidence): { failure: Failure | null; warning: Failure | null } {
  const { report, exit, endsEarly, readMs, path, audioTrack, ffmpeg, sandboxed } = evidence;
  const words = report.lastLines.join('\n') || undefined;
  const fails = (failure: Failure) => ({ failure, warning: null });
  // Somebody else ended it: it says nothing about the recording.
  if (exit === 'SIGKILL') return fails(failure('workerCrashed', { engine: 'ffmpeg', exit }, words));
  if (report.format === null) {
    // A script that leads elsewhere, or libraries that lie elsewhere: it never came to be ffmpeg.
    if (sandboxed && !report.spoke && typeof exit === 'number' && exit !== 0)
      return fails(failure('noFfmpeg', { path: ffmpeg, sandboxed: 1 }, words));
    if (report.indexMissing && !report.guessed) return fails(failure('truncatedFile', { path, readMs: 0 }, words));
    if (!evidence.readable || /Permission denied|Input\/output error/.test(report.lastLines.join('\n')))
      return fails(failure('unreadableFile', { path }, words));
    return typeof exit === 'number' && report.spoke
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
  const short = !evidence.clockOverruled && leastLength(report) - readMs > toleranceMs(durationMs);
  const undecoded = exit === UNDECODED_EXIT;
  // In a video the sound may rightly end before the picture: there it takes a complaint as well.
  const cut =
    (exit !== 0 && !undecoded) ||
    endsEarly ||
    report.truncated ||
    (report.corrupt && !evidence.lengthOpen) ||
    (short && (report.streams === 1 || report.errors > 0));
  // Tags between or behind the frames of an MP3 are no damage.
  const damaged = report.damaged || (undecoded && (report.undecoded > 0 || report.noFrames === 0));
  const warning: Failure | null = cut
    ? failure('truncatedFile', { path, readMs, ...(short ? { durationMs } : {}) }, words)
    : damaged
      ? failure('damagedFile', { path }, words)
      : null;
  return { failure: null, warning };
}
