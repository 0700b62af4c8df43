/**
 * Writes what a job was asked for, when its last step is over: transcripts, subtitles, the spoken track, the video with
 * both.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, parse } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { EarshotError, failure, isDiskFull, toFailure, type Failure, badRequest } from '../../schemas/errors.ts';
import type { OutputOptions, Transcript } from '../../schemas/job.ts';
import { isTextFormat, type Format } from '../../schemas/words.ts';
import { formatOf } from '../../text/subtitles/convert.ts';
import { toJson } from '../../text/transcripts/json.ts';
import { MAX_WAV_SAMPLES, wavHeader } from '../audio/wav.ts';
import type { JobRow } from '../contracts/store.ts';
import { submittedFacts } from '../jobs/request.ts';
import type { JobWork } from '../jobs/work.ts';
import { checksumOfBytes } from '../system/checksum.ts';
import { withExports } from './exports-of-job.ts';
import { renderer, type Rendered } from './rendered.ts';
import { trackUtterance } from './sentence-times.ts';
import { keptWarning, namesAfter, namesFrom, type Make, type Names, type Output, type Outputs } from './outputs.ts';

export type Text = NonNullable<OutputOptions['text']>;

/** What became of a job's outputs: its row gets all of this. */
export interface Delivered {
  outputs: Output[];
  /** Besides those that it has. */
  warnings?: Failure[];
  /** Where a live session's recording lies, when its place was taken. */
  path?: string;
  /** What else it changed: the job that it summed up. */
  of?: { job: string; change: Partial<JobRow> };
}

/** Everything the job made, without what is only for the machine. */
export function transcriptOf(work: Pick<JobWork, 'row' | 'made'>): Transcript {
  const { row, made } = work;
  return {
    earshot: 1,
    recording: { path: row.path, name: row.name, durationMs: row.durationMs },
    language: row.language,
    ...(row.language === null ? {} : { languageSource: row.options.language ? 'given' : 'detected' }),
    translatedTo: row.options.translateTo ?? null,
    models: row.models,
    ...(row.summary?.made ? { summary: row.summary.made } : {}),
    ...(row.voices ? { speakers: row.voices } : {}),
    utterances: made.map(({ tts: _, ...utterance }) => utterance),
    warnings: row.warnings,
  };
}

export interface DeliverTools {
  outputs: Outputs;
  /** The job's decoded sound. */ pcm: string;
  ffmpeg: () => string;
  formats: readonly Format[];
  /** ffmpeg with no more permissions than it needs. */ sandboxed: boolean;
  signal: AbortSignal;
}

/**
 * Writing the same again, after a crash, gives the same files. @throws outputNotWritable, diskFull, ffmpegFailed,
 * noFfmpeg
 */
export async function writeOutputs(work: JobWork, tools: DeliverTools): Promise<Delivered> {
  const wanted = work.row.options.outputs ?? { formats: [...tools.formats] };
  const directory = wanted.directory ?? dirname(work.row.path);
  try {
    return await new Delivery(work, tools, wanted, directory).run();
  } catch (error) {
    throw explained(error, directory);
  }
}

/** A voice-over that is further behind what is seen is worth a word. */
const NOTICEABLE_LAG_MS = 2000;

/** The folder is somebody else's, a file, gone, or has a name that there cannot be. */
const NOT_WRITABLE: ReadonlySet<string> = new Set(
  'EACCES EPERM EROFS ENOTDIR EEXIST EISDIR ERR_FS_EISDIR ENOENT ENAMETOOLONG EINVAL ELOOP'.split(' '),
);

/** A file system's error as a failure that says where. */
export function explained(error: unknown, directory: string): unknown {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  if (isDiskFull(error)) return new EarshotError('diskFull', { path: directory });
  if (NOT_WRITABLE.has(code)) return new EarshotError('outputNotWritable', { path: directory }, String(error));
  return error;
}

class Delivery {
  private readonly work: JobWork;
  private readonly tools: DeliverTools;
  private readonly wanted: OutputOptions;
  private readonly directory: string;
  private readonly written: Output[] = [];
  private readonly warnings: Failure[] = [];
  /** For the video: subtitles by the text that they show. */
  private readonly subtitles = new Map<Text, string>();

  constructor(work: JobWork, tools: DeliverTools, wanted: OutputOptions, directory: string) {
    this.work = work;
    this.tools = tools;
    this.wanted = wanted;
    this.directory = directory;
  }

  async run(): Promise<Delivered> {
    const path = await this.recording();
    await this.texts(path);
    if (this.work.row.options.speak) await this.track();
    if (this.wanted.mux) await this.video();
    return { outputs: this.written, warnings: this.warnings, ...(path === this.work.row.path ? {} : { path }) };
  }

  private after(suffix: string): Names {
    return besideOf(this.work.row, this.directory, suffix);
  }

  private async write(kind: string, names: Names, make: Make, mode?: number): Promise<string> {
    const { path, bytes, kept } = await this.tools.outputs.write(this.work.row, names, make, mode);
    this.written.push({ kind, path, bytes });
    this.warnings.push(...kept.map(each => keptWarning(each, path)));
    return path;
  }

  /** The sound of a live session, which is written first: the transcripts say where it lies. */
  private async recording(): Promise<string> {
    const { row } = this.work,
      saveTo = row.live?.saveTo;
    if (saveTo === undefined) return row.path;
    const path = await this.write('recording', namesFrom(saveTo), saveSound(this.tools.pcm), 0o600);
    // Somebody put a file there since the session was opened.
    if (path !== saveTo && !this.warnings.length) this.warnings.push(keptWarning({ path: saveTo }, path));
    return path;
  }

  private async texts(path: string): Promise<void> {
    const { row, made } = this.work,
      to = row.options.translateTo,
      transcript = transcriptOf({ row: { ...row, path }, made }),
      rendered = renderer(row, transcript);
    const texts: Text[] = !to ? ['original'] : this.wanted.text ? [this.wanted.text] : ['original', 'translation'],
      { formats } = this.wanted,
      { bases } = this.tools.outputs,
      first = this.written.length;
    for (const format of formats.filter(each => each !== 'json'))
      for (const text of texts) {
        const made = await this.madeBy(rendered, format, text);
        if (!made) continue;
        const file = await this.write(kindOf(format, text), this.after(suffixOf(format, text, row)), handle =>
          handle.writeFile(made.bytes),
        );
        if (formats.includes('json') && isTextFormat(format))
          await bases?.keep(checksumOfBytes(made.bytes), Buffer.from(made.bytes).toString('utf8'));
        this.warnings.push(...made.warnings(file));
        if (format === 'srt' || format === 'vtt') this.subtitles.set(text, file);
      }
    if (!formats.includes('json')) return;
    // The transcript comes last: it says which files follow it.
    const json = toJson(withExports(transcript, this.directory, followers(row, this.written.slice(first))));
    await this.write('json', this.after(suffixOf('json', 'original', row)), handle => handle.writeFile(json));
    const order = (kind: string): number => formats.indexOf(kind.split(':')[0] as Format);
    this.written.push(...this.written.splice(first).sort((a, b) => order(a.kind) - order(b.kind)));
  }

  /** Null: this machine cannot make it, which is no reason to lose all else. */
  private async madeBy(rendered: ReturnType<typeof renderer>, format: Format, text: Text): Promise<Rendered | null> {
    try {
      return await rendered(format, text);
    } catch (error) {
      const failed = toFailure(error);
      if (failed.code !== 'fontMissing') throw error;
      this.warnings.push(failed);
      return null;
    }
  }

  private async track(): Promise<void> {
    const { row, made } = this.work,
      { ffmpeg, sandboxed, signal } = this.tools,
      audio = this.wanted.audio ?? 'wav',
      spoken = row.options.translateTo ?? row.language;
    const utterances = made.flatMap(({ tts, ...each }) =>
      tts && tts.durationMs > 0 ? [trackUtterance({ ...each, tts }, row.language ?? 'und')] : [],
    );
    const { buildTrack } = await import('./track.ts');
    await this.write('audio', this.after(`.${spoken ?? 'spoken'}.${audio}`), async (file, path) => {
      const { lagMs } = await buildTrack({
        utterances,
        durationMs: row.options.source === 'text' && !formatOf(row.name) ? null : (row.durationMs ?? 0),
        file,
        path,
        recording: row.path,
        ffmpeg: ffmpeg(),
        sandboxed,
        audio,
        signal,
      });
      if (lagMs > NOTICEABLE_LAG_MS)
        this.warnings.push(failure('voiceOverLags', { seconds: Math.round(lagMs / 1000) }));
    });
  }

  private async video(): Promise<void> {
    const { row } = this.work,
      { ffmpeg, signal, sandboxed } = this.tools,
      to = row.options.translateTo,
      container = parse(row.name).ext.toLowerCase() === '.mkv' ? 'mkv' : 'mp4',
      spoken = this.written.find(output => output.kind === 'audio');
    const { mux } = await import('./mux.ts');
    await this.write('video', this.after(`.${to ?? row.language ?? 'subtitled'}.${container}`), (file, path) =>
      mux({
        recording: { path: row.path, ...submittedFacts(row) },
        file,
        path,
        container,
        ffmpeg: ffmpeg(),
        sandboxed,
        signal,
        language: row.language,
        track: spoken ? { path: spoken.path, language: to ?? row.language ?? 'und' } : null,
        subtitles: [...this.subtitles].map(([text, written]) => ({
          path: written,
          language: (text === 'original' ? row.language : to) ?? 'und',
        })),
      }),
    );
  }
}

/** Names after the recording, but for its own: a video beside it could be called so. */
function besideOf({ name, path }: JobRow, directory: string, suffix: string): Names {
  const names = namesAfter(directory, name, suffix);
  return names(0) === path ? n => names(n + 1) : names;
}

/**
 * One format of a job, written when somebody wants the file: where it lies, or where the job wrote it before.
 * @param directory for a job that has no folder of its own: a live session that keeps no recording
 * @throws badRequest, outputNotWritable, diskFull, fontMissing
 */
export async function writeFormat(
  { row, made }: Pick<JobWork, 'row' | 'made'>,
  format: Format,
  directory: string | undefined,
  owner: Outputs,
): Promise<{ path: string; change: { outputs: Output[]; warnings: Failure[] } | null }> {
  for (const { kind, path } of row.outputs)
    if (kind === format && (await stat(path).catch(() => null))?.isFile()) return { path, change: null };
  const keepsNothing = row.live && row.live.saveTo === undefined,
    folder = row.options.outputs?.directory ?? (keepsNothing ? directory : dirname(row.path));
  if (folder === undefined) throw badRequest('directory', 'noFolder');
  const transcript = transcriptOf({ row, made }),
    { bytes: content, warnings } = await renderer(
      row,
      format === 'json' ? withExports(transcript, folder, followers(row, row.outputs)) : transcript,
    )(format, 'original');
  try {
    const { path, bytes, kept } = await owner.write(
      row,
      besideOf(row, folder, suffixOf(format, 'original', row)),
      file => file.writeFile(content),
    );
    const others = row.outputs.filter(each => each.kind !== format);
    return {
      path,
      change: {
        outputs: [...others, { kind: format, path, bytes }],
        warnings: [...kept.map(each => keptWarning(each, path)), ...warnings(path)],
      },
    };
  } catch (error) {
    throw explained(error, folder);
  }
}

/** Outputs that a transcript can make again: subtitles that were only translated are their source with other words. */
export const followers = ({ options, name }: Pick<JobRow, 'options' | 'name'>, outputs: readonly Output[]): Output[] =>
  options.source === 'text' && formatOf(name) ? [] : [...outputs];

/** What an output is called in a job: its format, and which text it shows where it is not the original. */
export const kindOf = (format: Format, text: Text): string =>
  format === 'json' || text === 'original' ? format : `${format}:${text}`;

/** After the recording's name. */
export const suffixOf = (format: Format, text: Text, row: Pick<JobRow, 'language' | 'options'>): string =>
  format === 'json' ? '.earshot.json' : `${languageSuffix(text, row.language, row.options.translateTo)}.${format}`;

const languageSuffix = (text: Text, from: string | null, to: string | undefined): string =>
  text === 'original' ? '' : text === 'translation' ? `.${to}` : `.${from ?? 'und'}-${to}`;

/** Live sound as a WAV file of its own. */
const saveSound =
  (pcm: string): Make =>
  async (file: FileHandle) => {
    const bytes = (await stat(pcm).catch(() => null))?.size ?? 0,
      samples = Math.min(MAX_WAV_SAMPLES, Math.floor(bytes / 2));
    await pipeline(
      async function* () {
        yield wavHeader(16_000, samples);
        if (samples) yield* createReadStream(pcm, { end: samples * 2 - 1 });
      },
      async function (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) await file.writeFile(chunk);
      },
    );
  };
