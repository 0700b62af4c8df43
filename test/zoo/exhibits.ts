/** The media zoo: what recordings look like in the world, each with how it is made and what must become of it. */
import {
  copyFileSync,
  mkdirSync,
  openSync,
  closeSync,
  ftruncateSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { ErrorCode } from '../../schemas/errors.ts';
import { wav, type Signal } from './signal.ts';

/** Where exhibits are made. */
export interface Workshop {
  at(name: string): string;
  /** Runs ffmpeg; the last argument is the name of what it makes. */
  ffmpeg(...args: string[]): void;
  signal: Signal;
}

export interface Heard {
  /** How much later than in the signal its sound stands in the recording, ms. */
  shiftMs?: number;
  /** How many stretches of speech, from the first, must be heard; all when missing. */
  parts?: number;
  /** The second stretch and all after it stand later than the first by so much, ms. */
  hole?: number;
  /** All of it stands there again, later than in the signal by so much, ms. */
  again?: readonly number[];
  warning?: ErrorCode;
  /** The noise is so loud that nobody can tell to a quarter of a second when the speech begins. */
  noisy?: boolean;
}
export interface Refused {
  refused: ErrorCode;
}
export interface Exhibit {
  group: string;
  name: string;
  what: string;
  make(workshop: Workshop): void;
  expect: Heard | Refused;
  track?: number;
  /** Bytes of its content change while it is read. */
  grows?: boolean;
  /** Only in the long form. */
  long?: boolean;
}

/** Visited in the long form only. */
const RARE = { long: true };
/** The signal's WAV, 16 kHz; made first. */
export const SIGNAL = 'signal.wav';

const exhibits: Exhibit[] = [];
const add = (
  group: string,
  name: string,
  what: string,
  make: Exhibit['make'],
  expect: Exhibit['expect'] = {},
  more: Partial<Exhibit> = {},
): void => {
  exhibits.push({ group, name, what, make, expect, ...more });
};
/** The signal through ffmpeg with these arguments. */
const sound = (
  group: string,
  name: string,
  what: string,
  args: string,
  expect: Exhibit['expect'] = {},
  more: Partial<Exhibit> = {},
): void =>
  add(
    group,
    name,
    what,
    z => z.ffmpeg('-i', z.at(SIGNAL), ...args.split(' ').filter(Boolean), z.at(name)),
    expect,
    more,
  );
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=10:duration=8.2'];
const video = (
  group: string,
  name: string,
  what: string,
  args: string,
  expect: Exhibit['expect'] = {},
  more: Partial<Exhibit> = {},
): void =>
  add(
    group,
    name,
    what,
    z => z.ffmpeg(...PICTURE, '-i', z.at(SIGNAL), '-map', '0', '-map', '1', ...args.split(' '), z.at(name)),
    expect,
    more,
  );
/** Made from another exhibit's file. */
const from = (
  group: string,
  source: string,
  name: string,
  what: string,
  change: (z: Workshop, path: string) => void,
  expect: Exhibit['expect'] = {},
  more: Partial<Exhibit> = {},
): void =>
  add(
    group,
    name,
    what,
    z => {
      copyFileSync(z.at(source), z.at(name));
      change(z, z.at(name));
    },
    expect,
    more,
  );

const CODECS = 'Sound files';
/**
 * At 16 kHz the encoder begins with so much silence. Where the file does not say so it is part of the recording, in
 * every player.
 */
const DELAYED_MP3 = { shiftMs: 69 },
  DELAYED_AAC = { shiftMs: 64 };
sound(CODECS, 'u8.wav', 'WAV, PCM 8 bits', '-c:a pcm_u8');
sound(CODECS, 's16.wav', 'WAV, PCM 16 bits', '-c:a pcm_s16le');
sound(CODECS, 's24.wav', 'WAV, PCM 24 bits', '-c:a pcm_s24le');
sound(CODECS, 's32.wav', 'WAV, PCM 32 bits', '-c:a pcm_s32le', {}, RARE);
sound(CODECS, 'f32.wav', 'WAV, float 32', '-c:a pcm_f32le');
sound(CODECS, 'f64.wav', 'WAV, float 64', '-c:a pcm_f64le', {}, RARE);
sound(CODECS, 'alaw.wav', 'WAV, A-law', '-ar 8000 -c:a pcm_alaw');
sound(CODECS, 'mulaw.wav', 'WAV, µ-law', '-ar 8000 -c:a pcm_mulaw', {}, RARE);
sound(CODECS, 'adpcm-ms.wav', 'WAV, Microsoft ADPCM', '-c:a adpcm_ms', {}, RARE);
sound(CODECS, 'adpcm-ima.wav', 'WAV, IMA ADPCM', '-c:a adpcm_ima_wav');
sound(CODECS, 'g726.wav', 'WAV, G.726', '-ar 8000 -c:a g726', {}, RARE);
sound(CODECS, 'rf64.wav', 'RF64', '-rf64 always');
sound(CODECS, 'wave.w64', 'Sony Wave64', '');
sound(CODECS, 'sound.aiff', 'AIFF', '');
sound(CODECS, 'sound.aifc', 'AIFF-C, little endian', '-f aiff -c:a pcm_s16le', {}, RARE);
sound(CODECS, 'sound.au', 'Sun AU', '-c:a pcm_mulaw -ar 8000');
sound(CODECS, 'pcm.caf', 'Core Audio, PCM', '-c:a pcm_s16be');
sound(CODECS, 'alac.caf', 'Core Audio, ALAC', '-c:a alac', {}, RARE);
sound(CODECS, 'cbr.mp3', 'MP3, constant rate', '-c:a libmp3lame -b:a 64k');
sound(CODECS, 'vbr.mp3', 'MP3, variable rate', '-c:a libmp3lame -q:a 5');
sound(
  CODECS,
  'bare.mp3',
  "MP3 without a header that tells of the encoder's delay",
  '-c:a libmp3lame -b:a 64k -write_xing 0 -id3v2_version 0',
  DELAYED_MP3,
);
sound(CODECS, 'sound.mp2', 'MPEG layer 2', '-c:a mp2');
sound(CODECS, 'sound.aac', "AAC, ADTS: nothing tells of the encoder's delay", '-c:a aac', DELAYED_AAC);
sound(CODECS, 'aac.m4a', 'AAC in MPEG-4', '-c:a aac');
sound(CODECS, 'alac.m4a', 'ALAC in MPEG-4', '-c:a alac');
sound(CODECS, 'flac.mp4', 'FLAC in MPEG-4', '-c:a flac -strict -2', {}, RARE);
sound(
  CODECS,
  'fragments.m4a',
  'MPEG-4 in fragments, likewise',
  '-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000',
  DELAYED_AAC,
);
add(CODECS, 'book.m4b', 'Audio book with chapters', z => {
  writeFileSync(
    z.at('chapters.txt'),
    ';FFMETADATA1\ntitle=A book\n' +
      '[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=4000\ntitle=One\n' +
      '[CHAPTER]\nTIMEBASE=1/1000\nSTART=4000\nEND=8200\ntitle=Two\n',
  );
  z.ffmpeg(
    '-i',
    z.at(SIGNAL),
    '-i',
    z.at('chapters.txt'),
    '-map_metadata',
    '1',
    '-c:a',
    'aac',
    '-f',
    'ipod',
    z.at('book.m4b'),
  );
});
sound(CODECS, 'sound.flac', 'FLAC, 16 bits', '-c:a flac');
sound(CODECS, 's24.flac', 'FLAC, 24 bits', '-c:a flac -sample_fmt s32', {}, RARE);
sound(CODECS, 'flac.oga', 'FLAC in Ogg', '-c:a flac');
sound(CODECS, 'sound.opus', 'Opus', '-c:a libopus');
sound(CODECS, 'voice.opus', 'Opus, 8 kbit/s', '-c:a libopus -b:a 8k -application voip');
sound(CODECS, 'vorbis.ogg', 'Vorbis', '-c:a libvorbis');
sound(CODECS, 'opus.mka', 'Opus in Matroska', '-c:a libopus');
sound(CODECS, 'v1.wma', 'Windows Media Audio 1', '-ar 22050 -c:a wmav1', {}, RARE);
sound(CODECS, 'v2.wma', 'Windows Media Audio 2', '-ar 44100 -c:a wmav2');
sound(CODECS, 'phone.amr', 'AMR, narrow band', '-ar 8000 -c:a libopencore_amrnb');
sound(CODECS, 'sound.ac3', 'AC-3', '-c:a ac3 -ar 48000');
sound(CODECS, 'sound.eac3', 'E-AC-3', '-c:a eac3 -ar 48000', {}, RARE);
sound(CODECS, 'sound.dts', 'DTS', '-c:a dca -strict -2 -ar 48000 -ac 2');
sound(CODECS, 'sound.thd', 'TrueHD', '-c:a truehd -strict -2 -ar 48000 -ac 2 -f truehd', {}, RARE);
sound(CODECS, 'sound.wv', 'WavPack', '-c:a wavpack', {}, RARE);
sound(CODECS, 'sound.tta', 'True Audio', '-c:a tta', {}, RARE);
sound(CODECS, 'sound.g722', 'G.722', '-c:a g722', {}, RARE);
sound(CODECS, 'sound.voc', 'Creative Voice', '-c:a pcm_u8', {}, RARE);
sound(CODECS, 'sound.sox', 'SoX', '-c:a pcm_s32le -f sox', {}, RARE);

const RATES = 'Rates and channels';
for (const rate of [8000, 11_025, 12_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000])
  sound(
    RATES,
    `${rate}.wav`,
    `${rate / 1000} kHz`,
    `-ar ${rate}`,
    {},
    { long: ![8000, 44_100, 192_000].includes(rate) },
  );
for (const [channels, layout] of [
  [2, 'stereo'],
  [3, '2.1'],
  [4, 'quad'],
  [5, '5.0'],
  [6, '5.1'],
  [7, '6.1'],
  [8, '7.1'],
] as const)
  sound(
    RATES,
    `${channels} channels.flac`,
    `${channels} channels (${layout})`,
    `-af pan=${layout}|${Array.from({ length: channels }, (_, n) => `c${n}=c0`).join('|')}`,
    {},
    { long: ![2, 6, 8].includes(channels) },
  );
sound(RATES, 'left.wav', 'Speech on the left only', '-af pan=stereo|c0=c0|c1=0*c0');
sound(RATES, 'right.wav', 'Speech on the right only', '-af pan=stereo|c0=0*c0|c1=c0', {}, RARE);
sound(RATES, 'centre.flac', '5.1 with speech in the centre only', '-af pan=5.1|FC=c0');
sound(RATES, 'opposed.wav', 'Stereo whose sides cancel each other out', '-af pan=stereo|c0=c0|c1=-1*c0');
sound(
  RATES,
  'partly opposed.flac',
  'The same with hiss on both sides',
  '-filter_complex ' +
    '[0:a]pan=stereo|c0=c0|c1=-1*c0[a];anoisesrc=r=16000:a=0.002:seed=3:d=8.2[n];[n]pan=stereo|c0=c0|c1=c0[m];' +
    '[a][m]amix=normalize=0',
  {},
  RARE,
);
sound(
  RATES,
  'no layout.wav',
  '10 channels without a layout',
  '-af pan=10c|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0|c8=c0|c9=c0',
  {},
  RARE,
);

const LEVELS = 'Loudness and noise';
/** The signal's speech is at −21 dB. */
const level = (name: string, what: string, filters: string, more: Partial<Exhibit> = {}): void =>
  sound(LEVELS, name, what, `-af ${filters} -c:a ${name.endsWith('.wav') ? 'pcm_f32le' : 'flac'}`, {}, more);
/** With a second sound below it. */
const over = (name: string, what: string, filters: string, source: string, more: Partial<Exhibit> = {}): void =>
  sound(
    LEVELS,
    name,
    what,
    `-filter_complex [0:a]${filters}[a];${source}[b];[a][b]amix=normalize=0:duration=first -c:a flac`,
    { noisy: true },
    more,
  );
sound(LEVELS, 'quiet.flac', 'Speech at −46 dB', '-af volume=-25dB -c:a flac -sample_fmt s32');
sound(LEVELS, 'quieter.flac', 'Speech at −56 dB', '-af volume=-35dB -c:a flac -sample_fmt s32');
level('quietest.wav', 'Speech at −61 dB, float', 'volume=-40dB');
level('offset.wav', 'Speech at −41 dB on an offset of half of full scale', 'volume=-20dB,dcshift=0.5');
over('hum.flac', 'Speech at −31 dB on a hum of 50 Hz at −9 dB', 'volume=-10dB', 'sine=50:r=16000,volume=9dB');
over(
  'hum 60.flac',
  'Speech at −41 dB on a hum of 60 Hz at −21 dB',
  'volume=-20dB',
  'sine=60:r=16000,volume=-3dB',
  RARE,
);
over(
  'rumble.flac',
  'Speech at −31 dB on a rumble',
  'volume=-10dB',
  'anoisesrc=r=16000:c=brown:seed=4:a=0.8,lowpass=60',
);
over(
  'hiss.flac',
  'Speech at −41 dB in noise 12 dB below it',
  'volume=-20dB',
  'anoisesrc=r=16000:c=pink:seed=6:a=0.014',
);
level('far.flac', 'A near speaker, then one 30 dB quieter', 'volume=-30dB:enable=gt(t\\,4.9)');
level('over full scale.wav', 'Float, 18 dB over full scale', 'volume=33dB');
level('whole numbers.wav', 'Float that counts to 32,768', 'volume=32768', RARE);

const VIDEOS = 'Videos';
video(VIDEOS, 'h264.mp4', 'H.264 and AAC', '-c:v libx264 -preset ultrafast -c:a aac');
video(
  VIDEOS,
  'h265.mkv',
  'H.265 and Opus',
  '-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a libopus',
  {},
  RARE,
);
video(VIDEOS, 'vp8.webm', 'VP8 and Vorbis', '-c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis');
video(VIDEOS, 'pcm.mov', 'QuickTime, PCM', '-c:v mpeg4 -c:a pcm_s16be');
video(VIDEOS, 'mp3.avi', 'AVI, MP3', '-c:v mpeg4 -c:a libmp3lame -ar 44100');
video(VIDEOS, 'slow mp3.avi', 'AVI, MP3 at 16 kHz', '-c:v mpeg4 -c:a libmp3lame', DELAYED_MP3);
video(VIDEOS, 'pcm.avi', 'AVI, PCM', '-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le', {}, RARE);
video(VIDEOS, 'mp2.ts', 'Transport stream', '-c:v mpeg2video -r 25 -c:a mp2');
video(
  VIDEOS,
  'camera.m2ts',
  'Blu-ray and camcorder stream',
  '-c:v libx264 -preset ultrafast -c:a ac3 -ar 48000 -f mpegts -mpegts_m2ts_mode 1',
  {},
  RARE,
);
video(VIDEOS, 'phone.3gp', '3GP, AMR', '-c:v h263 -s 128x96 -ar 8000 -c:a libopencore_amrnb');
video(VIDEOS, 'flash.flv', 'Flash, MP3', '-c:v flv -c:a libmp3lame -ar 22050');
video(VIDEOS, 'windows.wmv', 'Windows Media', '-c:v wmv2 -c:a wmav2 -ar 44100', {}, RARE);
video(VIDEOS, 'dvd.mpg', 'MPEG-1, layer 2', '-c:v mpeg1video -r 25 -c:a mp2 -ar 44100');
video(VIDEOS, 'disc.vob', 'DVD, AC-3', '-c:v mpeg2video -r 25 -c:a ac3 -ar 48000 -f vob', {}, RARE);
video(VIDEOS, 'theora.ogv', 'Theora and Vorbis', '-c:v libtheora -c:a libvorbis');
video(VIDEOS, 'studio.mxf', 'MXF, PCM', '-c:v mpeg2video -r 25 -c:a pcm_s16le -ar 48000', {}, RARE);
video(
  VIDEOS,
  'uneven.mkv',
  'Frames at uneven times',
  '-vf select=not(mod(n\\,3))+gt(n\\,50) -fps_mode vfr -c:v mpeg4 -c:a aac',
);
video(
  VIDEOS,
  'uneven.mp4',
  'Frames at uneven times, MPEG-4',
  '-vf select=not(mod(n\\,7))+gt(n\\,60) -fps_mode vfr -c:v mpeg4 -c:a aac',
  {},
  RARE,
);

const TIMES = 'Tracks and times';
const silence = ['-f', 'lavfi', '-t', '8.2', '-i', 'anullsrc=r=16000:cl=mono'];
add(
  TIMES,
  'second track.mkv',
  'Two tracks, speech on the second',
  z =>
    z.ffmpeg(
      ...PICTURE,
      ...silence,
      '-i',
      z.at(SIGNAL),
      '-map',
      '0',
      '-map',
      '1',
      '-map',
      '2',
      '-c:v',
      'mpeg4',
      '-c:a',
      'aac',
      z.at('second track.mkv'),
    ),
  {},
  { track: 1 },
);
/** The last track speaks, `silent` ones come before it. */
const tracks = (name: string, what: string, flags: string, expect: Heard, track?: number, silent = 1): void =>
  add(
    TIMES,
    name,
    what,
    z =>
      z.ffmpeg(
        ...silence,
        '-i',
        z.at(SIGNAL),
        ...Array.from({ length: silent }, () => ['-map', '0']).flat(),
        '-map',
        '1',
        '-c:a',
        'aac',
        ...flags.split(' ').filter(Boolean),
        z.at(name),
      ),
    expect,
    track === undefined ? {} : { track },
  );
tracks('four tracks.mp4', 'Four tracks, speech on the last', '', {}, 3, 3);
tracks('silent first.mkv', 'Two tracks, speech on the second, none chosen', '', { warning: 'otherTracks' });
tracks('marked.mkv', 'The same, the second marked as the one to play', '-disposition:a:0 0 -disposition:a:1 default', {
  warning: 'otherTracks',
});
tracks('marked silent.mp4', 'The same, the silent one marked', '-disposition:a:0 default', { warning: 'otherTracks' });
tracks('silent chosen.mkv', 'The same, the silent one chosen', '', { parts: 0, warning: 'otherTracks' }, 0);
add(
  TIMES,
  'one track.mp4',
  'A track that is not there',
  z => copyFileSync(z.at('h264.mp4'), z.at('one track.mp4')),
  { refused: 'noSuchTrack' },
  { track: 1 },
);
const offset = (name: string, what: string, soundAt: string, pictureAt: string, args: string, expect: Heard): void =>
  add(
    TIMES,
    name,
    what,
    z =>
      z.ffmpeg(
        '-itsoffset',
        pictureAt,
        ...PICTURE,
        '-itsoffset',
        soundAt,
        '-i',
        z.at(SIGNAL),
        '-map',
        '0',
        '-map',
        '1',
        ...args.split(' '),
        z.at(name),
      ),
    expect,
  );
offset('late sound.mp4', 'Sound begins 2 s after the picture (edit list)', '2', '0', '-c:v mpeg4 -c:a aac', {
  shiftMs: 2000,
});
offset('late sound.mkv', 'The same in Matroska', '2', '0', '-c:v mpeg4 -c:a libopus', { shiftMs: 2000 });
offset('late sound.ts', 'The same in a transport stream', '2', '0', '-c:v mpeg2video -r 25 -c:a mp2', {
  shiftMs: 2000,
});
offset('late sound.mov', 'The same in QuickTime', '2', '0', '-c:v mpeg4 -c:a pcm_s16be', { shiftMs: 2000 });
offset('late picture.mp4', 'Picture begins 2 s after the sound', '0', '2', '-c:v mpeg4 -c:a aac', {});
offset('late picture.mkv', 'The same in Matroska', '0', '2', '-c:v mpeg4 -c:a libopus', {});
sound(TIMES, 'hours on.ts', 'Clock starts at 2 h 46 min', '-c:a mp2 -output_ts_offset 10000');
sound(TIMES, 'wraps.ts', 'Clock wraps round at 26.5 h in the middle', '-c:a mp2 -output_ts_offset 95438.3');
sound(TIMES, 'starts late.mka', 'Sound alone, clock starts at 3 s', '-c:a flac -output_ts_offset 3');
sound(
  TIMES,
  'starts late.m4a',
  'Sound alone, edit list of 3 s',
  '-c:a aac -output_ts_offset 3 -avoid_negative_ts disabled',
  DELAYED_AAC,
);
add(
  TIMES,
  'trimmed.mp4',
  'Cut by copying: an edit list hides the first 0.5 s',
  z => {
    z.ffmpeg('-ss', '0.5', '-i', z.at('h264.mp4'), '-c', 'copy', z.at('trimmed.mp4'));
  },
  { shiftMs: -500 },
);
add(
  TIMES,
  'negative.mkv',
  'Cut by copying: all that was copied plays',
  z => {
    z.ffmpeg(
      '-ss',
      '0.5',
      '-i',
      z.at('h264.mp4'),
      '-c',
      'copy',
      '-avoid_negative_ts',
      'disabled',
      z.at('negative.mkv'),
    );
  },
  {},
);
add(TIMES, 'hole.mkv', 'A second of sound is missing in the middle', z => {
  z.ffmpeg(
    ...PICTURE,
    '-i',
    z.at(SIGNAL),
    '-map',
    '0',
    '-map',
    '1',
    '-c:v',
    'mpeg4',
    '-c:a',
    'flac',
    '-bsf:a',
    'noise=drop=gt(pts*tb\\,4.2)*lt(pts*tb\\,5.2)',
    z.at('hole.mkv'),
  );
});
add(TIMES, 'hole.ts', 'The same in a transport stream', z => {
  z.ffmpeg(
    '-i',
    z.at(SIGNAL),
    '-c:a',
    'mp2',
    '-bsf:a',
    'noise=drop=gt(pts*tb\\,4.2)*lt(pts*tb\\,5.2)',
    z.at('hole.ts'),
  );
});
add(
  TIMES,
  'joined.mp3',
  'Two MP3 files, one behind the other',
  z => writeFileSync(z.at('joined.mp3'), Buffer.concat([readFileSync(z.at('cbr.mp3')), readFileSync(z.at('vbr.mp3'))])),
  {},
);
add(
  TIMES,
  'joined.ogg',
  'Two Ogg files, one behind the other',
  z =>
    writeFileSync(
      z.at('joined.ogg'),
      Buffer.concat([readFileSync(z.at('vorbis.ogg')), readFileSync(z.at('vorbis.ogg'))]),
    ),
  {},
);

const JOINTS = 'Changes and joints';
/** Files, made one by one, one behind the other. */
const joined = (
  name: string,
  what: string,
  pieces: readonly string[],
  expect: Heard,
  more: Partial<Exhibit> = {},
): void =>
  add(
    JOINTS,
    name,
    what,
    z => {
      const made = pieces.map((args, n) => {
        const piece = z.at(`piece ${n} ${name}`);
        z.ffmpeg('-i', z.at(SIGNAL), ...args.split(' '), piece);
        return readFileSync(piece);
      });
      writeFileSync(z.at(name), Buffer.concat(made));
    },
    expect,
    more,
  );
const COUNTED = { warning: 'unreliableTimes' } as const;
/** Whole frames: so much later than its 8.2 s the second of two joined files begins. */
const AC3_FRAMES = 8224,
  OGG_PAGES = 8200;
const adverts = (name: string, what: string, channels: readonly number[]): void =>
  add(
    JOINTS,
    name,
    what,
    z => {
      const raw = z.at(`raw ${name}.ac3`);
      writeFileSync(
        raw,
        Buffer.concat(
          channels.map((count, n) => {
            const piece = z.at(`piece ${n} ${name}.ac3`);
            z.ffmpeg('-i', z.at(SIGNAL), '-c:a', 'ac3', '-ar', '48000', '-ac', String(count), piece);
            return readFileSync(piece);
          }),
        ),
      );
      if (name.endsWith('.ac3')) copyFileSync(raw, z.at(name));
      else z.ffmpeg('-i', raw, '-c', 'copy', z.at(name));
    },
    { again: channels.slice(1).map((_, n) => (n + 1) * AC3_FRAMES) },
  );
adverts('adverts.ts', 'Stereo, then 5.1, then stereo: adverts in a film', [2, 6, 2]);
adverts('mono.mkv', 'Mono, then 5.1, in Matroska', [1, 6]);
adverts('adverts.ac3', 'The same without a container', [2, 6, 2]);
joined(
  'rates.ts',
  'The rate changes, the clock goes on',
  ['-c:a mp2 -ar 48000 -ac 2', '-c:a mp2 -ar 32000 -ac 1 -output_ts_offset 8.208'],
  { again: [8208] },
);
joined('rates.mp3', 'MP3 whose rate and channels change', ['-c:a libmp3lame', '-c:a libmp3lame -ar 44100 -ac 2'], {
  again: [8281],
});
joined('rates.aac', 'AAC whose rate and channels change', ['-c:a aac', '-c:a aac -ar 44100 -ac 2'], {
  ...DELAYED_AAC,
  again: [8343],
});
joined('rates.ogg', 'Vorbis whose rate and channels change', ['-c:a libvorbis', '-c:a libvorbis -ar 44100 -ac 2'], {
  again: [OGG_PAGES],
});
joined(
  'channels.opus',
  'Opus: mono, then stereo, then mono',
  ['', '-ac 2', ''].map(more => `-c:a libopus ${more}`.trim()),
  { again: [OGG_PAGES, 2 * OGG_PAGES] },
);
joined('codecs.ogg', 'Ogg: Vorbis, then FLAC', ['-c:a libvorbis -f ogg', '-c:a flac -f ogg'], { again: [OGG_PAGES] });
joined('joined.webm', 'Two WebM files, one behind the other', ['-c:a libopus', '-c:a libopus'], {
  ...COUNTED,
  again: [8200],
});
joined(
  'joined live.webm',
  'The same as a browser records them, without a length',
  ['-c:a libopus -live 1 -f webm', '-c:a libopus -live 1 -f webm'],
  { ...COUNTED, again: [8200] },
);
joined('codecs.mka', 'Matroska: FLAC, then Opus', ['-c:a flac', '-c:a libopus'], { ...COUNTED, again: [8200] });
joined('joined.flv', 'Three Flash files', Array(3).fill('-c:a libmp3lame -ar 22050'), {
  ...COUNTED,
  shiftMs: 50,
  again: [8305, 16_560],
});
joined('joined.m4a', 'Two MPEG-4 files', ['-c:a aac', '-c:a aac -ar 44100 -ac 2'], {
  ...COUNTED,
  // Some versions of ffmpeg play what fills up the last frame.
  again: [8228],
});
joined(
  'joined.wav',
  'Two WAV files, of different rates and channels',
  ['-c:a pcm_s16le', '-c:a pcm_s24le -ar 44100 -ac 2'],
  { ...COUNTED, again: [8200] },
);
joined('rates.flac', 'FLAC whose rate and channels change', ['-c:a flac', '-c:a flac -ar 44100 -ac 2'], {
  ...COUNTED,
  again: [8200],
});
joined('joined.aiff', 'Two AIFF files', ['-c:a pcm_s16be', '-c:a pcm_s16be -ar 44100'], { ...COUNTED, again: [8200] });
joined('joined.wma', 'Two Windows Media files', Array(2).fill('-c:a wmav2 -ar 44100'), {
  ...COUNTED,
  shiftMs: 46,
  again: [8266],
});
joined(
  'joined fragments.m4a',
  'Two MPEG-4 files in fragments',
  Array(2).fill('-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000'),
  { ...COUNTED, ...DELAYED_AAC, again: [8384] },
);

const CLOCKS = 'Clocks';
/** From the silence on, the clock goes `seconds` forward. */
const forth = (name: string, what: string, seconds: number, args: string, expect: Heard): void =>
  sound(CLOCKS, name, what, `${args} -bsf:a setts=ts=PTS+gt(PTS*TB\\,4.4)*${seconds}/TB`, expect);
forth('forth.mka', 'Two seconds are missing, Matroska', 2, '-c:a flac', { hole: 2000 });
forth('forth.webm', 'The same in WebM', 2, '-c:a libopus', { hole: 2000 });
forth('forth.flv', 'The same in Flash', 2, '-c:a libmp3lame -ar 22050', { shiftMs: 50, hole: 2000 });
forth('forth.ts', 'The same in a transport stream', 2, '-c:a mp2', { shiftMs: 30, hole: 2000 });
forth(
  'forth fragments.m4a',
  'The same in fragments of MPEG-4',
  2,
  '-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000',
  { ...DELAYED_AAC, hole: 2000 },
);
forth('forth.ogg', 'The same in Ogg', 2, '-c:a libopus', { hole: 2000 });
forth('far.ts', 'The clock jumps by an hour: another broadcast', 3600, '-c:a mp2', { ...COUNTED, shiftMs: 30 });
sound(
  CLOCKS,
  'too fast.mka',
  'A clock that runs at twice the speed of the sound',
  '-c:a flac -bsf:a setts=ts=PTS*2',
  COUNTED,
);
sound(CLOCKS, 'too fast.flv', 'The same in Flash', '-c:a libmp3lame -ar 22050 -bsf:a setts=ts=PTS*2', {
  ...COUNTED,
  shiftMs: 50,
});
joined('back.ts', 'The clock starts again', ['-c:a mp2', '-c:a mp2'], { ...COUNTED, shiftMs: 30, again: [8238] });

/** Tags of a Flash file whose times are others. */
function retimedFlash(path: string, time: (ms: number) => number): void {
  const data = readFileSync(path);
  for (let at = 13; at + 11 < data.length; at += 15 + data.readUIntBE(at + 1, 3)) {
    const ms = time(data.readUIntBE(at + 4, 3) + data[at + 7]! * 2 ** 24);
    data.writeUIntBE(ms % 2 ** 24, at + 4, 3);
    data[at + 7] = Math.floor(ms / 2 ** 24);
  }
  writeFileSync(path, data);
}
/** Every value of 32 or 64 bits behind a mark. */
function retimed(path: string, mark: Buffer, skip: number, bytes: number, time: (value: bigint) => bigint): void {
  const data = readFileSync(path);
  for (let at = data.indexOf(mark); at >= 0; at = data.indexOf(mark, at + 1)) {
    const from = at + mark.length + skip,
      value = BigInt(`0x${data.toString('hex', from, from + bytes)}`);
    data.write(
      time(value)
        .toString(16)
        .padStart(2 * bytes, '0'),
      from,
      'hex',
    );
  }
  writeFileSync(path, data);
}
const flash = (name: string, what: string, time: (ms: number) => number, expect: Heard = COUNTED): void =>
  add(
    CLOCKS,
    name,
    what,
    z => {
      z.ffmpeg('-i', z.at(SIGNAL), '-c:a', 'libmp3lame', '-ar', '22050', z.at(name));
      retimedFlash(z.at(name), time);
    },
    { ...expect, shiftMs: 50 },
  );
flash('back.flv', 'The clock goes back by 3 s, Flash', ms => (ms > 4400 ? ms - 3000 : ms));
flash(
  'to and fro.flv',
  'A few times are wrong',
  ms => (ms > 4400 && ms < 4700 ? ms + 3000 : ms > 4900 && ms < 5000 ? ms - 3000 : ms),
  {},
);
flash('far.flv', 'The clock jumps by days', ms => (ms > 4400 ? ms + 400_000_000 : ms));
add(
  CLOCKS,
  'back.mka',
  'The clock goes back by 3 s, Matroska',
  z => {
    z.ffmpeg('-i', z.at(SIGNAL), '-c:a', 'flac', '-cluster_time_limit', '1000', z.at('back.mka'));
    // A cluster's time, of two bytes.
    retimed(z.at('back.mka'), Buffer.from([0xe7, 0x82]), 0, 2, ms => (ms > 4400n ? ms - 3000n : ms));
  },
  COUNTED,
);
add(
  CLOCKS,
  'back fragments.m4a',
  'The clock goes back by 3 s, fragments of MPEG-4',
  z => {
    z.ffmpeg(
      ...['-i', z.at(SIGNAL), '-c:a', 'aac', '-movflags', '+frag_keyframe+empty_moov'],
      ...['-frag_duration', '1000000', z.at('back fragments.m4a')],
    );
    // Version and flags, then the time in samples.
    retimed(z.at('back fragments.m4a'), Buffer.from('tfdt'), 4, 8, at => (at > 70_000n ? at - 48_000n : at));
  },
  { ...COUNTED, ...DELAYED_AAC },
);
offset('late sound.flv', 'Sound begins 2 s after the picture, Flash', '2', '0', '-c:v flv -c:a libmp3lame -ar 22050', {
  shiftMs: 2050,
});
offset('late sound.webm', 'The same in WebM', '2', '0', '-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus', {
  shiftMs: 2000,
});
offset('late sound.mpg', 'The same in a programme stream', '2', '0', '-c:v mpeg1video -r 25 -c:a mp2 -ar 44100', {
  shiftMs: 2000,
});
offset(
  'late fragments.mp4',
  'The same in fragments of MPEG-4',
  '2',
  '0',
  '-c:v mpeg4 -c:a aac -movflags +frag_keyframe+empty_moov',
  { shiftMs: 2000 },
);

add(TIMES, 'cover.mp3', 'MP3 with a picture of its cover', z => {
  z.ffmpeg('-f', 'lavfi', '-i', 'color=red:size=600x600', '-frames:v', '1', '-update', '1', z.at('cover.jpg'));
  z.ffmpeg(
    '-i',
    z.at(SIGNAL),
    '-i',
    z.at('cover.jpg'),
    '-map',
    '0',
    '-map',
    '1',
    '-c:v',
    'copy',
    '-c:a',
    'libmp3lame',
    '-disposition:v',
    'attached_pic',
    '-id3v2_version',
    '3',
    z.at('cover.mp3'),
  );
});

const NAMES = 'Names that mislead';
const same = (): void => {};
from(NAMES, 'sound.opus', 'opus.mp3', 'Opus, called MP3', same);
from(NAMES, 's16.wav', 'wave.mp4', 'WAV, called MP4', same, {}, RARE);
from(NAMES, 'sound.flac', 'flac.txt', 'FLAC, called a text', same, {}, RARE);
from(NAMES, 'aac.m4a', 'm4a.wav', 'MPEG-4, called WAV', same);
from(NAMES, 'cbr.mp3', 'mp3.ogg', 'MP3, called Ogg', same, {}, RARE);
from(NAMES, 'cbr.mp3', 'mp3', 'MP3 without an ending', same);
from(NAMES, 'vp8.webm', 'webm', 'WebM without an ending', same);
from(NAMES, 'h264.mp4', 'VIDEO.MP4.PART', 'MP4, called a part', same, {}, RARE);
const odd = (name: string, what: string, more: Partial<Exhibit> = {}): void =>
  from('Odd names', 'sound.flac', name, what, same, {}, more);
odd('  two  spaces .flac', 'Spaces', RARE);
odd(`it's "quoted" \`so\`.flac`, 'Quotes', RARE);
odd('$(touch x); & | > < * ? !.flac', 'What a shell would take');
odd('录音：第一次.flac', 'Chinese', RARE);
odd('🎙️ 👩‍👩‍👧.flac', 'Emoji');
odd('تسجيل صوتي.flac', 'Right to left', RARE);
odd('-i.flac', 'A leading dash');
odd('two\nlines\t.flac', 'A line break');
odd('%03d %s %n.flac', 'Patterns', RARE);
odd('file:..\\x?y#z|a.flac', 'What could be an address', RARE);
odd('concat:a|b', 'A protocol of ffmpeg', RARE);
odd(`${'n'.repeat(250)}.flac`, '255 bytes');
odd(`${'名'.repeat(83)}x.flac`, '255 bytes of Chinese');
odd('.flac', 'Nothing but an ending', RARE);
add('Odd names', 'link.flac', 'A symbolic link', z => symlinkSync(z.at('sound.flac'), z.at('link.flac')));

const CUT = 'Cut off';
/** Ends in the silence between the stretches, not at a border of anything. */
const cut = (
  source: string,
  name: string,
  what: string,
  share = 0.62,
  expect: Exhibit['expect'] = { parts: 1, warning: 'truncatedFile' },
  more: Partial<Exhibit> = {},
): void =>
  from(
    CUT,
    source,
    name,
    what,
    (_, path) => truncateSync(path, Math.floor(statSync(path).size * share) | 1),
    expect,
    more,
  );
cut('s16.wav', 'cut.wav', 'WAV');
from(CUT, 's16.wav', 'cut even.wav', 'WAV, behind a whole sample', (_, path) => truncateSync(path, 160_000), {
  parts: 1,
  warning: 'truncatedFile',
});
cut('wave.w64', 'cut.w64', 'Wave64', 0.62, undefined, RARE);
cut('sound.aiff', 'cut.aiff', 'AIFF');
cut('pcm.caf', 'cut.caf', 'Core Audio', 0.62, undefined, RARE);
cut('sound.au', 'cut.au', 'AU', 0.62, undefined, RARE);
cut('cbr.mp3', 'cut cbr.mp3', 'MP3, constant rate');
cut('vbr.mp3', 'cut vbr.mp3', 'MP3, variable rate', 0.75);
cut('bare.mp3', 'cut bare.mp3', 'MP3 without a header', 0.62, { ...DELAYED_MP3, parts: 1, warning: 'truncatedFile' });
cut('sound.mp2', 'cut.mp2', 'MPEG layer 2', 0.62, undefined, RARE);
cut('sound.aac', 'cut.aac', 'AAC, ADTS', 0.7, { ...DELAYED_AAC, parts: 1, warning: 'truncatedFile' });
cut('sound.flac', 'cut.flac', 'FLAC', 0.75);
cut('flac.oga', 'cut.oga', 'FLAC in Ogg', 0.85, undefined, RARE);
cut('sound.opus', 'cut.opus', 'Opus', 0.75);
cut('vorbis.ogg', 'cut.ogg', 'Vorbis', 0.85);
cut('theora.ogv', 'cut.ogv', 'Theora and Vorbis', 0.7, undefined, RARE);
cut('opus.mka', 'cut.mka', 'Matroska', 0.75, undefined, RARE);
cut('vp8.webm', 'cut.webm', 'WebM', 0.7);
cut('fragments.m4a', 'cut fragments.m4a', 'MPEG-4 in fragments', 0.7, {
  ...DELAYED_AAC,
  parts: 1,
  warning: 'truncatedFile',
});
cut('aac.m4a', 'cut.m4a', 'MPEG-4 with its index at the end: nothing can be read', 0.7, { refused: 'truncatedFile' });
cut('mp2.ts', 'cut.ts', 'Transport stream', 0.7);
cut('mp3.avi', 'cut.avi', 'AVI', 0.7);
cut('v2.wma', 'cut.wma', 'Windows Media Audio');
cut('phone.amr', 'cut.amr', 'AMR', 0.62, { parts: 1, warning: 'damagedFile' });
cut('sound.ac3', 'cut.ac3', 'AC-3');
cut('sound.dts', 'cut.dts', 'DTS', 0.62, { parts: 1, warning: 'damagedFile' });
cut('flash.flv', 'cut.flv', 'Flash', 0.7, undefined, RARE);

const BROKEN = 'Broken';
const patch = (path: string, share: number, bytes: Buffer): void => {
  const data = readFileSync(path);
  bytes.copy(data, Math.floor(data.length * share));
  writeFileSync(path, data);
};
const junk = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, n) => (n * 7919 + (n >> 3) * 104_729) & 0xff));
from(BROKEN, 's16.wav', 'streamed.wav', 'WAV whose header names no length, as from a pipe', (_, path) => {
  const data = readFileSync(path);
  data.writeUInt32LE(0xffffffff, 4);
  data.writeUInt32LE(0xffffffff, data.indexOf('data') + 4);
  writeFileSync(path, data);
});
from(BROKEN, 's16.wav', 'zero length.wav', 'WAV whose header says 0, as after a crash of the recorder', (_, path) => {
  const data = readFileSync(path);
  data.writeUInt32LE(0, 4);
  data.writeUInt32LE(0, data.indexOf('data') + 4);
  writeFileSync(path, data);
});
const statesHalf = (path: string): void => {
  const data = readFileSync(path),
    at = data.indexOf('data') + 4;
  data.writeUInt32LE(data.readUInt32LE(at) >> 1, at);
  writeFileSync(path, data);
};
from(BROKEN, 's16.wav', 'states half.wav', 'WAV whose header states half of what is there', (_, path) =>
  statesHalf(path),
);
from(BROKEN, 'f32.wav', 'states half f32.wav', 'The same in float', (_, path) => statesHalf(path), {}, RARE);
from(BROKEN, 'rf64.wav', 'states half rf64.wav', 'The same in RF64', (_, path) => {
  const data = readFileSync(path),
    at = data.indexOf('ds64') + 16;
  data.writeBigUInt64LE(data.readBigUInt64LE(at) >> 1n, at);
  writeFileSync(path, data);
});
/** The length of the sound, in big-endian bytes behind a chunk's name, becomes half of what it is, or nothing. */
const statesLess = (path: string, chunk: string, bytes: 4 | 8, share: number): void => {
  const data = readFileSync(path),
    at = data.indexOf(chunk) + 4;
  if (bytes === 4) data.writeUInt32BE(Math.floor(data.readUInt32BE(at) * share), at);
  else data.writeBigInt64BE(BigInt(Math.floor(Number(data.readBigInt64BE(at)) * share)), at);
  writeFileSync(path, data);
};
from(BROKEN, 'sound.aiff', 'states half.aiff', 'The same in AIFF', (_, path) => statesLess(path, 'SSND', 4, 0.5));
from(
  BROKEN,
  'sound.aifc',
  'zero length.aifc',
  'AIFF-C whose header says 0',
  (_, path) => statesLess(path, 'SSND', 4, 0),
  {},
  RARE,
);
from(
  BROKEN,
  'pcm.caf',
  'states half.caf',
  'The same in Core Audio',
  (_, path) => statesLess(path, 'data', 8, 0.5),
  {},
  RARE,
);
from(
  BROKEN,
  'wave.w64',
  'states half.w64',
  'The same in Wave64',
  (_, path) => {
    const data = readFileSync(path),
      at = data.indexOf('data') + 16;
    data.writeBigUInt64LE(data.readBigUInt64LE(at) >> 1n, at);
    writeFileSync(path, data);
  },
  {},
  RARE,
);
from(
  BROKEN,
  'sound.au',
  'zero length.au',
  'AU whose header says 0',
  (_, path) => {
    const data = readFileSync(path);
    data.writeUInt32BE(0, 8);
    writeFileSync(path, data);
  },
  {},
  RARE,
);
from(BROKEN, 's16.wav', 'wrapped.wav', 'WAV whose size did not fit into 32 bits', (_, path) => {
  const data = readFileSync(path);
  data.writeUInt32LE(4036, 4);
  data.writeUInt32LE(4000, data.indexOf('data') + 4);
  writeFileSync(path, data);
});
from(
  BROKEN,
  's16.wav',
  'notes behind.wav',
  'WAV with chunks of text behind the sound',
  (_, path) =>
    writeFileSync(
      path,
      Buffer.concat([readFileSync(path), Buffer.from('LIST\x1a\0\0\0INFOISFT\x0e\0\0\0a program....\0')]),
    ),
  {},
  RARE,
);
from(
  BROKEN,
  's16.wav',
  'no riff.wav',
  'WAV whose first bytes are gone',
  (_, path) => patch(path, 0, Buffer.alloc(16)),
  { refused: 'notMedia' },
);
from(
  BROKEN,
  'sound.flac',
  'damaged.flac',
  'FLAC with rubbish in the middle',
  (_, path) => patch(path, 0.62, junk(300)),
  { warning: 'damagedFile' },
);
from(
  BROKEN,
  'cbr.mp3',
  'damaged.mp3',
  'MP3 with rubbish in the middle: it has no clock, so what follows moves up',
  (_, path) => patch(path, 0.62, junk(1500)),
  { parts: 1 },
);
from(BROKEN, 'vorbis.ogg', 'damaged.ogg', 'Ogg with rubbish in the middle', (_, path) => patch(path, 0.8, junk(60)), {
  parts: 1,
  warning: 'damagedFile',
});
from(BROKEN, 'aac.m4a', 'damaged.m4a', 'MPEG-4 with rubbish in the middle', (_, path) => patch(path, 0.58, junk(300)), {
  warning: 'damagedFile',
});
from(
  BROKEN,
  'opus.mka',
  'damaged.mka',
  'Matroska with rubbish in the middle, which Opus bridges',
  (_, path) => patch(path, 0.62, junk(120)),
  { parts: 1 },
);
from(
  BROKEN,
  'bare.mp3',
  'rubbish first.mp3',
  'MP3 behind 3,000 bytes of rubbish',
  (_, path) => writeFileSync(path, Buffer.concat([junk(3000), readFileSync(path)])),
  DELAYED_MP3,
);
from(
  BROKEN,
  'cbr.mp3',
  'zeros last.mp3',
  'MP3 with 20 KB of zeros behind',
  (_, path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(20_000)])),
  { warning: 'damagedFile' },
);
from(
  BROKEN,
  'bare.mp3',
  'tagged.mp3',
  'MP3 with an old tag behind',
  (_, path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('TAG'.padEnd(128, ' '))])),
  DELAYED_MP3,
);
from(
  BROKEN,
  'bare.mp3',
  'ape.mp3',
  'MP3 with a tag of another kind behind',
  (_, path) =>
    writeFileSync(
      path,
      Buffer.concat([
        readFileSync(path),
        Buffer.from('APETAGEX'),
        Buffer.from([0xd0, 7, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        junk(8),
        Buffer.from('APETAGEX'),
        Buffer.from([0xd0, 7, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      ]),
    ),
  DELAYED_MP3,
);
from(
  BROKEN,
  'sound.opus',
  'no header.opus',
  'Ogg whose first page is zeros',
  (_, path) => patch(path, 0, Buffer.alloc(47)),
  { refused: 'notMedia' },
);
from(
  BROKEN,
  'h264.mp4',
  'no index.mp4',
  'MP4 whose index is overwritten',
  (_, path) => {
    const data = readFileSync(path);
    junk(200).copy(data, data.indexOf('moov') + 4);
    writeFileSync(path, data);
  },
  { refused: 'notMedia' },
);

const NOT = 'No recordings';
const text = (
  name: string,
  what: string,
  content: string | Buffer,
  refused: ErrorCode,
  more: Partial<Exhibit> = {},
): void => add(NOT, name, what, z => writeFileSync(z.at(name), content), { refused }, more);
text('empty.mp3', '0 bytes', '', 'emptyFile');
text('one byte.wav', '1 byte', 'R', 'notMedia');
text('no sound.wav', 'WAV with a header and no sound', wav(new Int16Array(0)), 'emptyFile');
text('text.mp3', 'A text', 'This is a text,\nwhatever its name says.\n', 'notMedia');
text('page.wav', 'A web page', '<!DOCTYPE html><html><title>404</title><body>Not found</body></html>', 'notMedia');
text('archive.m4a', 'A ZIP archive', Buffer.concat([Buffer.from('PK\x03\x04'), junk(2000)]), 'notMedia');
text('rubbish.ogg', 'Random bytes', junk(50_000), 'notMedia');
text('zeros.wav', '100 KB of zeros', Buffer.alloc(100_000), 'notMedia');
text(
  'list.m3u8',
  'A play list that points into the network',
  '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n',
  'notMedia',
);
text('list.ffconcat', 'A list of files for ffmpeg', "ffconcat version 1.0\nfile '/etc/passwd'\n", 'notMedia');
text('subtitles.srt', 'Subtitles', '1\n00:00:01,000 --> 00:00:02,000\nHello\n', 'notMedia');
add(
  NOT,
  'photo.jpg',
  'A photograph',
  z => z.ffmpeg('-f', 'lavfi', '-i', 'testsrc=size=64x64', '-frames:v', '1', '-update', '1', z.at('photo.jpg')),
  { refused: 'notMedia' },
);
add(
  NOT,
  'silent film.mp4',
  'A video without sound',
  z => z.ffmpeg(...PICTURE, '-c:v', 'mpeg4', z.at('silent film.mp4')),
  { refused: 'noAudioTrack' },
);
add(NOT, 'folder.wav', 'A folder', z => mkdirSync(z.at('folder.wav')), { refused: 'notAFile' });
add(NOT, 'gone.wav', 'A link to what is gone', z => symlinkSync(z.at('nothing'), z.at('gone.wav')), {
  refused: 'noSuchFile',
});

const LONG = 'Long and growing';
/** Hours of silence that take no room on the disk, then the signal. */
const hours = (name: string, what: string, count: number, more: Partial<Exhibit> = {}): void =>
  add(
    LONG,
    name,
    what,
    z => {
      const content = wav(z.signal.samples),
        bytes = count * 3_600 * 16_000 * 2;
      content.writeUInt32LE(36 + bytes + content.length - 44, 4);
      content.writeUInt32LE(bytes + content.length - 44, 40);
      const file = openSync(z.at(name), 'w');
      writeSync(file, content, 0, 44, 0);
      ftruncateSync(file, 44 + bytes);
      writeSync(file, content, 44, content.length - 44, 44 + bytes);
      closeSync(file);
    },
    { shiftMs: count * 3_600_000 },
    more,
  );
hours('an hour.wav', 'An hour of silence, then speech', 1);
hours('12 hours.wav', '12 hours of silence, then speech', 12, { long: true });
add(
  LONG,
  '12 hours.flac',
  '12 hours of silence, FLAC at 8 kHz',
  z =>
    z.ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'anullsrc=r=8000:cl=mono',
      '-t',
      '43200',
      '-c:a',
      'flac',
      '-frame_size',
      '16384',
      z.at('12 hours.flac'),
    ),
  { parts: 0 },
  { long: true },
);
add(
  LONG,
  'silence.opus',
  'A minute of silence',
  z => z.ffmpeg('-f', 'lavfi', '-i', 'anullsrc=r=16000:cl=mono', '-t', '60', '-c:a', 'libopus', z.at('silence.opus')),
  { parts: 0 },
);
add(
  LONG,
  'noise.flac',
  'Noise',
  z => z.ffmpeg('-f', 'lavfi', '-i', 'anoisesrc=r=16000:a=0.02:seed=1', '-t', '10', z.at('noise.flac')),
  { parts: 0 },
);
add(
  LONG,
  'blink.wav',
  'Thirty milliseconds',
  z => writeFileSync(z.at('blink.wav'), wav(z.signal.samples.subarray(16_000, 16_480))),
  { parts: 0 },
);
from(
  LONG,
  's16.wav',
  'growing.wav',
  'A recording that grows while it is read',
  same,
  { refused: 'recordingChanged' },
  { grows: true },
);

export const EXHIBITS: readonly Exhibit[] = exhibits;
