/** A recording becomes PCM and utterances, in processes of its own that can be ended at any time. */
import type { BigIntStats } from 'node:fs';
import { realpath, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { passedFile } from '../workers/ffmpeg.ts';
import { exitOf, type Exit } from '../../client/exit.ts';
import { linkTo } from '../../client/files.ts';
import { EarshotError, thrown, type Failure } from '../../schemas/errors.ts';
import { mediaPermissions } from '../workers/sandbox/permissions.ts';
import { endTree, type ChildProcess } from '../workers/spawn.ts';
import { listener } from './answers.ts';
import { onMessage, send, type ChildRequest, type SoundLimits, type Speaking } from './channel.ts';
import type { UtteranceTimes } from './cutting.ts';
import { startChild } from './process.ts';
import { checkRecording, factsOf, type RecordingFacts } from './recording.ts';
import type { Prewarmed } from './prewarmed.ts';

export interface IngestRequest {
  recording: string;
  /**
   * Audio track of the container, from 0; null: the one that the container marks as the one to play, or where nobody
   * speaks on it, the first with speech.
   */
  audioTrack: number | null;
  /** 16 kHz mono 16-bit PCM without a header: 16 samples a millisecond. Rewritten in place when it is there. */
  pcmPath: string;
  ffmpeg: string;
  /** The sherpa runtime. */
  sherpaDirectory: string;
  /** With no more permissions than it needs. */
  sandboxed: boolean;
  /** A Node that runs our files. */
  node: string;
  /** Where a process may stand ready. */
  prewarmed: Prewarmed | undefined;
  /** What the recording was when it was submitted; another is `recordingChanged`. Missing: as it is now. */
  expected?: RecordingFacts;
  /** For tests. */
  limits?: SoundLimits;
  /** The length by the container's own word, before decoding; null: it says nothing. */
  onStart(start: { durationMs: number | null }): void;
  /** In order and complete; called as soon as they are known, with their PCM in the file. */
  onUtterances(rows: UtteranceTimes[]): void;
  /** Milliseconds of the recording decoded so far; of a live one also the utterance that has no end yet. */
  onProgress(ms: number, taken: number, speaking?: Speaking): void;
  signal: AbortSignal;
}

/**
 * Sound that comes with time, as bytes in `inputPath`. `recording` is only its name in failures; `taken` of onProgress
 * counts its bytes.
 */
export type LiveIngestRequest = Omit<IngestRequest, 'expected' | 'audioTrack'> & {
  format: 'pcm' | 'container';
  inputPath: string;
};
export interface LiveIngest {
  /** So many bytes lie in the input; `ended`: no more come. */
  grown(bytes: number, ended: boolean): void;
  readonly done: Promise<{ durationMs: number; warnings: Failure[] }>;
}

/**
 * The same for live sound: utterances are cut sooner, and it ends when the caller says so. The same bytes give the same
 * utterances, however they came.
 */
export function startLiveIngest(request: LiveIngestRequest): LiveIngest {
  const { format, inputPath } = request;
  if (request.signal.aborted) return { grown: () => {}, done: Promise.reject(new EarshotError('cancelled')) };
  const { child, done } = runChild({ ...request, audioTrack: 0 }, { format, inputPath });
  return {
    grown: (bytes, ended) => {
      send(child, { type: 'grown', bytes, ended });
    },
    done,
  };
}

/** ffmpeg hangs (a network drive that is gone): no word for this long ends it. */
const SILENT_MS = 120_000;

/**
 * Decodes and cuts. Deterministic: the same file gives the same PCM and utterances. Rejects with an EarshotError:
 * noSuchFile, notAFile, unreadableFile, emptyFile, notMedia, noAudioTrack, noSuchTrack, truncatedFile (nothing could be
 * read), recordingChanged, diskFull, noFfmpeg, engineMissing, ffmpegFailed, workerCrashed, cancelled. A truncated file
 * of which something could be read is a warning with `readMs`, and `durationMs` where the file says how long it was to
 * be.
 */
export async function startIngest(request: IngestRequest): Promise<{ durationMs: number; warnings: Failure[] }> {
  const { signal, pcmPath } = request;
  const before = await checkRecording(request.recording);
  // Without a time when it was submitted there is nothing that a link could have come between.
  const recording = request.expected ? request.recording : await realpath(request.recording),
    expected = request.expected ?? (await factsOf(recording));
  if (expected.bytes !== Number(before.size) || expected.modifiedAt !== Number(before.mtimeMs))
    throw new EarshotError('recordingChanged', { path: recording });
  if (signal.aborted) throw new EarshotError('cancelled');
  const link = await linkFor(recording, pcmPath);
  const result = await runChild({ ...request, recording, expected, link })
    .done.catch(async (error: unknown) => {
      // What ffmpeg complained of may be that the recording is another one by now, or none.
      if (!signal.aborted) await unchanged(recording, before);
      throw error;
    })
    .finally(() => (link === null ? undefined : rm(link, { force: true })));
  await unchanged(recording, before);
  return result;
}

/**
 * ffmpeg is given the file that we opened, not its name. Where the content leaves open what it is (telephone codecs, an
 * MP3 behind large pictures) the ending of a name decides: so it reads it through a link that has one.
 */
async function linkFor(recording: string, pcmPath: string): Promise<string | null> {
  const passed = passedFile(0),
    ending = /\.[a-z0-9]{1,12}$/i.exec(recording)?.[0];
  if (passed === null || ending === undefined) return null;
  const link = `${pcmPath}.recording${ending}`;
  try {
    await rm(link, { force: true });
    await linkTo(passed, link);
    return link;
  } catch {
    return null;
  } // no links there
}

async function unchanged(recording: string, before: BigIntStats): Promise<void> {
  const after = await checkRecording(recording);
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs || after.ino !== before.ino)
    throw new EarshotError('recordingChanged', { path: recording });
}

function runChild(
  request: IngestRequest & { link?: string | null },
  live?: NonNullable<ChildRequest['live']>,
): { child: ChildProcess; done: LiveIngest['done'] } {
  const { recording, audioTrack, pcmPath, ffmpeg, sherpaDirectory, signal } = request;
  const child = request.prewarmed?.take(request.node, sherpaDirectory) ?? startChild(request.node);
  const done = new Promise<{ durationMs: number; warnings: Failure[] }>((resolve, reject) => {
    let stderr = '',
      outcome: (() => void) | null = null;
    const decide = (settle: () => void): void => {
      outcome ??= settle;
    };
    const end = (error: EarshotError): void => {
      decide(() => reject(error));
      endTree(child);
    };
    // Live sound may pause for as long as it likes.
    const silence = live
      ? null
      : setTimeout(() => end(new EarshotError('ffmpegFailed', { path: recording, exit: 'silent' })), SILENT_MS);
    const onAbort = (): void => end(new EarshotError('cancelled'));
    signal.addEventListener('abort', onAbort, { once: true });

    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4000);
    });
    const fits = listener();
    onMessage(child, message => {
      if (outcome) return;
      if (!fits(message))
        return end(new EarshotError('badAnswer', { engine: 'ingest' }, JSON.stringify(message)?.slice(0, 1000)));
      silence?.refresh();
      switch (message.type) {
        case 'started':
          request.onStart({ durationMs: message.durationMs });
          break;
        case 'utterances':
          request.onUtterances(message.rows);
          break;
        case 'progress':
          request.onProgress(message.ms, message.taken, message.speaking);
          break;
        case 'done':
          decide(() => resolve({ durationMs: message.durationMs, warnings: message.warnings }));
          break;
        case 'failed':
          decide(() => reject(thrown(message.failure)));
          break;
      }
    });
    child.once('error', error => end(new EarshotError('internal', {}, error.message, { cause: error })));
    // Only now is the PCM file closed and nothing of ours running. Whoever else holds its pipes is not waited for.
    const over = ({ code, signal: exitSignal }: Exit): void => {
      if (silence) clearTimeout(silence);
      signal.removeEventListener('abort', onAbort);
      endTree(child);
      decide(() =>
        reject(new EarshotError('workerCrashed', { engine: 'ffmpeg', exit: code ?? exitSignal ?? 'unknown' }, stderr)),
      );
      outcome!();
    };
    exitOf(child).then(over, () => over({ code: null, signal: null }));
    const permissions = request.sandboxed
      ? mediaPermissions({ files: [dirname(pcmPath)], ffmpeg, runtime: sherpaDirectory })
      : null;
    const { expected = null, link = null, limits } = request;
    send(child, {
      ...{ recording, expected, link, permissions, limits, audioTrack, pcmPath, ffmpeg, sherpaDirectory },
      ...(live ? { live } : {}),
    });
  });
  return { child, done };
}
