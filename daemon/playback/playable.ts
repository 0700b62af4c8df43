/** What plays in VS Code as it is, by the list in its manual: its build of Chromium has no other decoders. Pure. */

export interface Streams {
  container: Container | null;
  video: string | null;
  /** The first; null: there is none. */
  audio: string | null;
  durationMs: number | null;
}

/** Those that can play, by how they begin; null: any other. */
type Container = 'wav' | 'mp3' | 'ogg' | 'flac' | 'mp4';

/** What a file has in it; a cover is no video. `first`: its first bytes; `headings`: what ffmpeg's framecrc says. */
export function streamsOf(first: Buffer, headings: string, durationMs: number | null): Streams {
  const kinds = new Map(matchesOf(headings, /^#media_type (\d+): (\w+)/gm)),
    codecs = new Map(matchesOf(headings, /^#codec_id (\d+): (\w+)/gm));
  const codec = (kind: string): string | null => {
    const stream = [...kinds].find(([, each]) => each === kind)?.[0];
    return (stream !== undefined && codecs.get(stream)) || null;
  };
  const audio = codec('audio');
  return { container: containerOf(first, audio), video: codec('video'), audio, durationMs };
}

const matchesOf = (text: string, pattern: RegExp): [string, string][] =>
  [...text.matchAll(pattern)].map(([, key, value]) => [key!, value!]);

function containerOf(first: Buffer, audio: string | null): Container | null {
  const text = first.toString('latin1', 0, 12);
  if (/^RIFF[^]{4}WAVE/.test(text)) return 'wav';
  if (text.startsWith('OggS')) return 'ogg';
  if (text.startsWith('fLaC')) return 'flac';
  if (text.slice(4, 8) === 'ftyp') return 'mp4';
  return audio === 'mp3' && (text.startsWith('ID3') || /^\xff[\xe0-\xff]/.test(text)) ? 'mp3' : null;
}

/** To standard output, in framecrc's headings, which are the same in every version: the streams that could play. */
export const HEADINGS: readonly string[] = [
  ...['-map', '0:V:0?', '-map', '0:a:0?', '-c', 'copy', '-t', '0', '-f', 'framecrc', 'pipe:1'],
];

const isAudio = (codec: string): boolean => /^(pcm_(u8|s16le|s24le|s32le|f32le)|mp3|flac|vorbis)$/.test(codec);

export const playsAsIs = ({ container, video, audio }: Streams, extension: string): boolean =>
  container !== null &&
  (container !== 'mp4' || extension === '.mp4') &&
  (audio === null || isAudio(audio)) &&
  (video === null || video === 'h264' || video === 'vp8') &&
  (audio !== null || video !== null);

/** MP3, and the picture as H.264: copied where it is that already. */
export function copyArguments({ video, audio }: Streams): { args: string[]; extension: '.mp3' | '.mp4' } {
  const sound = ['-c:a', ...(audio === 'mp3' ? ['copy'] : ['libmp3lame', '-b:a', `${SOUND_BITS / 1000}k`, '-ac', '2'])];
  if (video === null) return { args: ['-map', '0:a:0', '-vn', '-sn', '-dn', ...sound, '-f', 'mp3'], extension: '.mp3' };
  const picture =
    video === 'h264'
      ? ['-c:v', 'copy']
      : ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '27', '-pix_fmt', 'yuv420p', '-vf', SCALE];
  return {
    args: [
      ...['-map', '0:V:0', '-map', '0:a:0?', '-sn', '-dn', '-map_chapters', '-1'],
      ...picture,
      ...sound,
      ...['-movflags', '+faststart', '-f', 'mp4'],
    ],
    extension: '.mp4',
  };
}
/** No wider than the editor shows it; even, as the encoder wants it. */
const SCALE = "scale='min(1280,iw)':-2";
const SOUND_BITS = 128_000;

/** What a copy comes to, bytes, for saying how far it is; null: nobody can tell. */
export function expectedBytes({ video, durationMs }: Streams, sourceBytes: number): number | null {
  if (video === 'h264') return sourceBytes;
  return video === null && durationMs !== null ? (durationMs / 1000) * (SOUND_BITS / 8) : null;
}
