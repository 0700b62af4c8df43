/** A copy of the recording with the spoken track and subtitles that can be switched on and off. */
import { stat, type FileHandle } from 'node:fs/promises';
import { extname } from 'node:path';
import { openFile } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { openRecording, type RecordingFacts } from '../ingest/recording.ts';
import { ownInput, recordingInput, type Input } from '../workers/ffmpeg.ts';
import { mediaPermissions } from '../workers/sandbox/permissions.ts';
import { runFfmpeg } from './ffmpeg.ts';

export interface MuxRequest {
  /** As it was submitted. */
  recording: RecordingFacts & { path: string };
  /** The spoken track, which becomes the one that plays; null: only subtitles are added. */
  track: { path: string; language: string } | null;
  /** Of the recording's own sound; null: unknown. */
  language: string | null;
  subtitles: readonly { path: string; language: string }[];
  /** An empty file, open to write, and where it lies. */
  file: FileHandle;
  path: string;
  container: 'mkv' | 'mp4';
  ffmpeg: string;
  /** With no more permissions than it needs. */
  sandboxed: boolean;
  signal?: AbortSignal;
}

/**
 * The picture is copied as it is where the container can hold it, else encoded anew; the original sound stays as a
 * second track. Throws noFfmpeg, ffmpegFailed, diskFull, cancelled.
 */
export async function mux(request: MuxRequest): Promise<void> {
  const subtitles: MuxRequest['subtitles'][number][] = [];
  for (const subtitle of request.subtitles) if ((await stat(subtitle.path)).size > 0) subtitles.push(subtitle);
  const { ffmpeg, track, path, recording, signal } = request;
  const files: FileHandle[] = [];
  const own = async (file: string, format: 'wav' | 'mp3' | 'mov' | 'srt' | 'webvtt'): Promise<Input> => {
    const handle = await openFile(file, { through: false });
    files.push(handle);
    return ownInput({ fd: handle.fd, path: file }, format);
  };
  try {
    const opened = await openRecording(recording.path, recording);
    files.push(opened);
    const inputs: Input[] = [recordingInput({ fd: opened.fd, path: recording.path })];
    if (track) inputs.push(await own(track.path, TRACKS[extname(track.path)] ?? 'wav'));
    for (const subtitle of subtitles)
      inputs.push(await own(subtitle.path, extname(subtitle.path) === '.vtt' ? 'webvtt' : 'srt'));
    const call = (copyVideo: boolean): Promise<Buffer> =>
      runFfmpeg({
        ffmpeg,
        path: recording.path,
        inputs,
        permissions: request.sandboxed ? mediaPermissions({ files: [], ffmpeg, place: path }) : null,
        args: muxArguments({ ...request, subtitles }, copyVideo),
        output: { fd: request.file.fd, path },
        signal,
      });
    await call(true).catch((error: unknown) => {
      if (error instanceof EarshotError && error.failure.code === 'ffmpegFailed') return call(false);
      throw error;
    });
  } finally {
    for (const file of files) await file.close();
  }
}
/** As ffmpeg calls what it made itself. */
const TRACKS: Readonly<Record<string, 'wav' | 'mp3' | 'mov'>> = { '.wav': 'wav', '.mp3': 'mp3', '.m4a': 'mov' };

/** What becomes of the inputs, in their order: the recording, the track, the subtitles. */
export function muxArguments(
  { track, language: spoken, subtitles, container }: MuxRequest,
  copyVideo: boolean,
): string[] {
  const matroska = container === 'mkv';
  const firstSubtitle = track === null ? 1 : 2;
  return [
    // V: pictures that move, not a cover.
    '-map',
    '0:V?',
    ...(track === null ? [] : ['-map', '1:a:0']),
    '-map',
    '0:a?',
    ...subtitles.flatMap((_, n) => ['-map', `${firstSubtitle + n}:s:0`]),
    ...(copyVideo ? ['-c:v', 'copy'] : []),
    '-c:a',
    'aac',
    '-c:s',
    matroska ? 'srt' : 'mov_text',
    ...(track === null
      ? []
      : [
          '-disposition:a',
          '0',
          '-disposition:a:0',
          'default',
          '-metadata:s:a:0',
          `language=${threeLetters(track.language)}`,
        ]),
    ...(spoken === null ? [] : [`-metadata:s:a:${track === null ? 0 : 1}`, `language=${threeLetters(spoken)}`]),
    ...subtitles.flatMap(({ language }, n) => [`-metadata:s:s:${n}`, `language=${threeLetters(language)}`]),
    '-fflags',
    '+bitexact',
    ...(matroska ? ['-f', 'matroska'] : ['-movflags', '+faststart', '-f', 'mp4']),
  ];
}

/** Containers name languages by ISO 639-2. */
const ISO_639_2: Record<string, string> = {
  ar: 'ara',
  bg: 'bul',
  ca: 'cat',
  cs: 'ces',
  da: 'dan',
  de: 'deu',
  el: 'ell',
  en: 'eng',
  es: 'spa',
  et: 'est',
  fa: 'fas',
  fi: 'fin',
  fr: 'fra',
  he: 'heb',
  hi: 'hin',
  hr: 'hrv',
  hu: 'hun',
  id: 'ind',
  it: 'ita',
  ja: 'jpn',
  ko: 'kor',
  lt: 'lit',
  lv: 'lav',
  nl: 'nld',
  no: 'nor',
  pl: 'pol',
  pt: 'por',
  ro: 'ron',
  ru: 'rus',
  sk: 'slk',
  sl: 'slv',
  sr: 'srp',
  sv: 'swe',
  th: 'tha',
  tr: 'tur',
  uk: 'ukr',
  vi: 'vie',
  zh: 'zho',
};
const threeLetters = (language: string): string => {
  const base = language.split('-')[0]!;
  return ISO_639_2[base] ?? (base.length === 3 ? base : 'und');
};
