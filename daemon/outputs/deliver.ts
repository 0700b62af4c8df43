/**
 * Writes what a job was asked for, when its last step is over: transcripts, subtitles, the spoken track, the video with
 * both.
 */
import { createReadStream, existsSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EarshotError, isDiskFull } from '../../schemas/errors.ts';
import type { Output, OutputOptions, Transcript } from '../../schemas/job.ts';
import type { Static } from 'typebox';
import type { Format } from '../../schemas/words.ts';
import { makeFolder, openAnew, putInPlace } from '../system/durable.ts';
import { formatOf, SUBTITLE_FORMATS, type SubtitleFormat } from '../../text/subtitles/convert.ts';
import { render } from '../../text/transcripts/render.ts';
import { sameCues } from '../../text/transcripts/same-cues.ts';
import { MAX_WAV_SAMPLES, WAV_HEADER_BYTES, wavHeader } from '../audio/wav.ts';
import type { Store } from '../contracts/store.ts';
import type { JobWork } from '../jobs/work.ts';

type Written = Static<typeof Output>;
type Text = NonNullable<OutputOptions['text']>;

/** Everything the job made, without what is only for the machine. */
export function transcriptOf(work: Pick<JobWork, 'row' | 'made'>): Transcript {
  const { row, made } = work;
  return {
    earshot: 1,
    recording: { path: row.path, name: row.name, durationMs: row.durationMs },
    language: row.language,
    translatedTo: row.options.translateTo ?? null,
    models: row.models,
    ...(row.summary?.made ? { summary: row.summary.made } : {}),
    ...(row.voices ? { speakers: row.voices } : {}),
    utterances: made.map(({ tts: _, ...utterance }) => utterance),
    warnings: row.warnings,
  };
}

export interface DeliverTools {
  store: Store;
  /** The job's decoded sound. */ pcm: string;
  ffmpeg: () => string;
  formats: readonly Format[];
  /** ffmpeg with no more rights than it needs. */ sandboxed?: boolean;
  signal: AbortSignal;
}

/**
 * Writing the same again, after a crash, gives the same files. @throws outputNotWritable, diskFull, ffmpegFailed,
 * noFfmpeg
 */
export async function writeOutputs(work: JobWork, tools: DeliverTools): Promise<Written[]> {
  const { row } = work;
  const wanted = row.options.outputs ?? { formats: [...tools.formats] };
  const directory = wanted.directory ?? dirname(row.path);
  const place = (suffix: string): string => freePlace(directory, row.name, suffix, row.path, tools.store);
  const transcript = transcriptOf(work);
  const written: Written[] = [];
  const subtitles = new Map<Text, string>();
  try {
    await makeFolder(directory, 0o777);
    const to = row.options.translateTo;
    const kept = row.options.source === 'text' && formatOf(row.name) !== null;
    const texts: Text[] = !to ? ['original'] : wanted.text ? [wanted.text] : ['original', 'translation'];
    for (const format of wanted.formats)
      for (const text of format === 'json' ? texts.slice(0, 1) : texts) {
        const path = place(format === 'json' ? '.earshot.json' : `${languageSuffix(text, row.language, to)}.${format}`);
        await writeWhole(
          path,
          kept && (SUBTITLE_FORMATS as readonly Format[]).includes(format)
            ? sameCues(transcript, format as SubtitleFormat, text)
            : render(transcript, format, { text }),
        );
        written.push({
          kind: format === 'json' || text === 'original' ? format : `${format}:${text}`,
          path,
          bytes: (await stat(path)).size,
        });
        if (format === 'srt' || format === 'vtt') subtitles.set(text, path);
      }
    if (row.options.speak) {
      const audio = wanted.audio ?? 'wav',
        spoken = row.options.translateTo ?? row.language;
      const path = place(`.${spoken ?? 'spoken'}.${audio}`);
      const utterances = work.made
        .filter(made => made.tts && made.tts.durationMs > 0)
        .map(made => ({ startMs: made.startMs, endMs: made.endMs, wav: made.tts!.path }));
      const { buildTrack } = await import('./track.ts');
      await buildTrack({
        utterances,
        durationMs: row.options.source === 'text' && !formatOf(row.name) ? null : (row.durationMs ?? 0),
        path,
        ffmpeg: tools.ffmpeg(),
        audio,
        signal: tools.signal,
      });
      written.push({ kind: 'audio', path, bytes: (await stat(path)).size });
    }
    if (row.live?.saveTo)
      written.push({ kind: 'recording', path: row.live.saveTo, bytes: await saveSound(tools.pcm, row.live.saveTo) });
    if (wanted.mux) {
      const extension = parse(row.name).ext.toLowerCase() === '.mkv' ? '.mkv' : '.mp4';
      const path = place(`.${to ?? row.language ?? 'subtitled'}${extension}`);
      const { mux } = await import('./mux.ts');
      const spoken = written.find(output => output.kind === 'audio');
      await mux({
        recording: row.path,
        path,
        ffmpeg: tools.ffmpeg(),
        ...(tools.sandboxed ? { confined: true } : {}),
        signal: tools.signal,
        language: row.language,
        track: spoken ? { path: spoken.path, language: to ?? row.language ?? 'und' } : null,
        subtitles: [...subtitles].map(([text, file]) => ({
          path: file,
          language: (text === 'original' ? row.language : to) ?? 'und',
        })),
      });
      written.push({ kind: 'video', path, bytes: (await stat(path)).size });
    }
    return written;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isDiskFull(error)) throw new EarshotError('diskFull', { path: directory });
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR')
      throw new EarshotError('outputNotWritable', { path: directory }, String(error));
    throw error;
  }
}

const languageSuffix = (text: Text, from: string | null, to: string | undefined): string =>
  text === 'original' ? '' : text === 'translation' ? `.${to}` : `.${from ?? 'und'}-${to}`;

/** A name that is free, or that we wrote for this recording before: other people's files are never overwritten. */
function freePlace(directory: string, name: string, suffix: string, recording: string, store: Store): string {
  const { name: stem } = parse(name);
  for (let n = 0; ; n++) {
    const path = join(directory, fitting(n === 0 ? stem : name, `${n > 1 ? ` (${n})` : ''}${suffix}`));
    if (path !== recording && (store.wrote(path) === recording || !existsSync(path))) {
      store.willWrite(path, recording);
      return path;
    }
  }
}

/** Live sound as a WAV file of its own. Answers its length in bytes. */
async function saveSound(pcm: string, path: string): Promise<number> {
  const part = `${path}.part`,
    bytes = (await stat(pcm).catch(() => null))?.size ?? 0,
    samples = Math.min(MAX_WAV_SAMPLES, Math.floor(bytes / 2));
  try {
    const file = await openAnew(part, 0o600);
    await pipeline(async function* () {
      yield wavHeader(16_000, samples);
      if (samples) yield* createReadStream(pcm, { end: samples * 2 - 1 });
    }, file.createWriteStream());
    await putInPlace(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return WAV_HEADER_BYTES + samples * 2;
}

/** File systems take names of 255 bytes; while it is written a file is called ".part" besides. */
const LONGEST_NAME_BYTES = 255 - '.part'.length;

/** The name with its suffix, its own end left out as far as it must be; never half a character. */
function fitting(name: string, suffix: string): string {
  const room = LONGEST_NAME_BYTES - Buffer.byteLength(suffix);
  if (Buffer.byteLength(name) <= room) return name + suffix;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(name)) {
    if (Buffer.byteLength(kept + segment) > room) break;
    kept += segment;
  }
  return kept + suffix;
}

export async function writeWhole(path: string, text: string): Promise<void> {
  if (
    await readFile(path, 'utf8').then(
      old => old === text,
      () => false,
    )
  )
    return;
  const part = `${path}.part`;
  try {
    const file = await openAnew(part, 0o644);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await putInPlace(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
