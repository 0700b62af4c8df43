/** A copy of the recording with the spoken track and subtitles that can be switched on and off. */
import { stat } from 'node:fs/promises';
import { EarshotError } from '../../schemas/errors.ts';
import { mediaPermissions } from '../workers/sandbox/permissions.ts';
import { runFfmpeg } from './ffmpeg.ts';

export interface MuxRequest {
  recording: string;
  /** The spoken track, which becomes the one that plays; null: only subtitles are added. */
  track: { path: string; language: string } | null;
  /** Of the recording's own sound; null: unknown. */
  language: string | null;
  subtitles: readonly { path: string; language: string }[];
  /** An empty file, which ffmpeg may write to. */
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
  const permissions = request.sandboxed
    ? mediaPermissions({
        files: [recording, ...(track ? [track.path] : []), ...subtitles.map(subtitle => subtitle.path)],
        ffmpeg,
        place: path,
      })
    : null;
  const call = (copyVideo: boolean): Promise<Buffer> =>
    runFfmpeg({
      ffmpeg,
      path: recording,
      permissions,
      args: muxArguments({ ...request, subtitles }, copyVideo),
      signal,
    });
  await call(true).catch((error: unknown) => {
    if (error instanceof EarshotError && error.failure.code === 'ffmpegFailed') return call(false);
    throw error;
  });
}

export function muxArguments(
  { recording, track, language: spoken, subtitles, path, container }: MuxRequest,
  copyVideo: boolean,
): string[] {
  const matroska = container === 'mkv';
  const firstSubtitle = track === null ? 1 : 2;
  return [
    '-y',
    '-protocol_whitelist',
    'file,pipe',
    '-i',
    `file:${recording}`,
    ...(track === null ? [] : ['-i', `file:${track.path}`]),
    ...subtitles.flatMap(({ path: subtitle }) => ['-i', `file:${subtitle}`]),
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
    `file:${path}`,
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
