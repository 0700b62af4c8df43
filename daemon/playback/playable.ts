/** What plays in VS Code as it is, by the list in its manual: its build of Chromium has no other decoders. Pure. */

export interface Streams {
  /** As ffmpeg calls it: "mov,mp4,m4a,3gp,3g2,mj2"; null: not recognized. */
  container: string | null;
  video: string | null;
  /** The first; null: there is none. */
  audio: string | null;
  durationMs: number | null;
}

/** Of what ffmpeg says about a file that it opened. A cover is no video. */
export function streamsOf(said: string): Streams {
  const streams = said
    .split('\n')
    .filter(line => line.includes('Stream #0:') && !line.includes('(attached pic)'))
    .map(line => /: (Video|Audio): (\w+)/.exec(line));
  const codec = (kind: string): string | null => streams.find(found => found?.[1] === kind)?.[2] ?? null,
    [, h, m, s] = /Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)/.exec(said) ?? [];
  return {
    container: /Input #0, (\S+), from/.exec(said)?.[1] ?? null,
    video: codec('Video'),
    audio: codec('Audio'),
    durationMs: s === undefined ? null : Math.round((Number(h) * 3600 + Number(m) * 60 + Number(s)) * 1000),
  };
}

const CONTAINERS: ReadonlySet<string> = new Set(['wav', 'mp3', 'ogg', 'flac', 'mov,mp4,m4a,3gp,3g2,mj2']);
const isAudio = (codec: string): boolean => /^(pcm_(u8|s16le|s24le|s32le|f32le)|mp3|flac|vorbis)$/.test(codec);

export const playsAsIs = ({ container, video, audio }: Streams, extension: string): boolean =>
  container !== null &&
  CONTAINERS.has(container) &&
  (!container.startsWith('mov') || extension === '.mp4') &&
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
