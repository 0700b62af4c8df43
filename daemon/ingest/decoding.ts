/** How ffmpeg is called to decode a recording, and what it says on stderr about it. */
import { StringDecoder } from 'node:string_decoder';
import type { ClockFacts } from './clock.ts';

const PCM = ['-vn', '-sn', '-dn', '-map_metadata', '-1', '-ac', '1'];

/** Where ffmpeg says when each piece of sound is, behind the recording's descriptor. */
export const TIMES_FD = 4;

/**
 * 16 kHz mono PCM of one audio track to stdout, 32-bit floats, which clip nothing, one behind the other; and a line of
 * framecrc for each piece of them, which comes before its samples. Loudness stays as it is. The container's own times
 * are kept, as `pts`: a muxer puts right a `dts` that goes back. ffmpeg's exit says whether there was anything that it
 * could not decode. `oneSide`: of a stereo recording, instead of the sum of both.
 */
export const decodeArguments = (audioTrack: number, oneSide = false): string[] => [
  '-map',
  `0:a:${audioTrack}`,
  '-copyts',
  '-max_error_rate',
  '0',
  '-af',
  `${oneSide ? 'pan=mono|c0=c0,' : ''}aresample=16000:rematrix_maxval=1`,
  ...PCM,
  '-c:a',
  'pcm_f32le',
  '-bsf:a',
  'setts=dts=N-1000000000000',
  '-f',
  'tee',
  `[f=framecrc:flush_packets=1:onfail=ignore]pipe\\:${TIMES_FD}|[f=f32le:flush_packets=0]pipe\\:1`,
];
/** ffmpeg's exit where it passed over something that it could not decode. */
export const UNDECODED_EXIT = 69;

/** The same for sound that comes through a pipe as it is made: nothing is held back. */
export const decodeStreamArguments: readonly string[] = [
  '-map',
  '0:a:0',
  '-af',
  'aresample=16000:async=1:rematrix_maxval=1',
  ...PCM,
  '-f',
  'f32le',
  '-flush_packets',
  '1',
  'pipe:1',
];

export interface DecodingReport {
  /** ffmpeg could open the file and named its container. */
  format: string | null;
  /** The container's own word about its length; null: it has none. `estimated`: only guessed from its size. */
  durationMs: number | null;
  estimated: boolean;
  /** When its first stream begins by its clock, ms. */
  startMs: number;
  /** By audio track. */
  stereo: boolean[];
  /** By audio track, as the container writes it ("eng"); null: it does not say. */
  languages: (string | null)[];
  /** The audio track that the container marks as the one to play; the first, where it marks none. */
  defaultTrack: number;
  streams: number;
  audioTracks: number;
  /** The header has been read to its end. */
  headerDone: boolean;
  /** Lines that say the file ends too early; `corrupt`: or that it names no length. */
  truncated: boolean;
  corrupt: boolean;
  /** Its index was to stand at the end and is not there: nothing can be read. */
  indexMissing: boolean;
  errors: number;
  /** The format is a guess that fits badly. */
  guessed: boolean;
  /** Something does not have the checksum that it should. */
  damaged: boolean;
  /** Of what could not be decoded: that it was no frame at all, and all else. */
  noFrames: number;
  undecoded: number;
  /** ffmpeg itself said something; before it does, what it is started through may. */
  spoke: boolean;
  lastLines: string[];
}

const LAST_LINES = 12;
// Each of these stands in ffmpeg 5.1 and 9 alike; where one might not, the file itself or ffmpeg's exit is asked.
const TRUNCATED = /partial file|File ended prematurely|Truncat|incomplete frame|Input packet size too small/i;
const CORRUPT = /Packet corrupt|corrupt input packet/;
const UNDECODED = /Invalid data found when processing input/;
/** What comes before a packet that never was sound: a tag between or behind the frames of an MP3. */
const NO_FRAME = /Header missing/;
/** Broadcasts: after a while without signal the clock is another one. */
const BROADCAST = /^(mpegts|mpeg)$/;
/** Streams of frames without a clock: ffmpeg derives times from bytes and from what the first frame was like. */
const NO_CLOCK: readonly string[] = (
  'mp3,aac,loas,ac3,eac3,ac4,dts,dtshd,truehd,mlp,amr,amrnb,amrwb,g722,g723_1,g726,g726le,g729,gsm,sln,sbc,aptx,' +
  'aptx_hd'
).split(',');
/** Here the length is that of the clock, not of what is there. */
const LENGTH_BY_CLOCK = /^matroska/;
/** Here it depends on ffmpeg's version. */
const LENGTH_MAYBE_BY_CLOCK = /^mov/;
const LONGEST_HOLE_MS = 6 * 3_600_000,
  LONGEST_BROADCAST_HOLE_MS = 10_000;

/** What ffmpeg says of the container's clock. */
export function clockFacts({ format, startMs, durationMs, estimated }: DecodingReport): ClockFacts {
  const kind = format ?? '';
  return {
    startMs,
    lengthMs:
      estimated || !durationMs ? null : durationMs + (LENGTH_MAYBE_BY_CLOCK.test(kind) ? Math.max(0, startMs) : 0),
    longestHoleMs: BROADCAST.test(kind) ? LONGEST_BROADCAST_HOLE_MS : LONGEST_HOLE_MS,
    none: NO_CLOCK.includes(kind),
  };
}

/** At least so much there should be, ms, by the container's own word. */
export const leastLength = ({ format, startMs, durationMs, estimated }: DecodingReport): number =>
  estimated ? 0 : (durationMs ?? 0) - (LENGTH_MAYBE_BY_CLOCK.test(format ?? '') ? Math.max(0, startMs) : 0);

/** Collects what ffmpeg's lines report. */
export function readDecoding(): { report: DecodingReport; push(bytes: Buffer): void; end(): void } {
  const report: DecodingReport = {
    format: null,
    durationMs: null,
    estimated: false,
    startMs: 0,
    stereo: [],
    languages: [],
    defaultTrack: 0,
    streams: 0,
    audioTracks: 0,
    headerDone: false,
    truncated: false,
    corrupt: false,
    indexMissing: false,
    errors: 0,
    guessed: false,
    damaged: false,
    noFrames: 0,
    undecoded: 0,
    spoke: false,
    lastLines: [],
  };
  const decoder = new StringDecoder('utf8');
  let rest = '',
    marked = false;
  const complaint = (text: string): void => {
    report.lastLines.push(text.replace(/ @ 0x[0-9a-f]+/g, '').slice(0, 500));
    if (report.lastLines.length > LAST_LINES) report.lastLines.shift();
  };
  const line = (text: string): void => {
    report.spoke ||= /^(\[.*\] )?\[(info|warning|error|fatal)\] /.test(text);
    if (!report.spoke) {
      if (text) complaint(text);
      return;
    }
    if (/^(\[.*\] )?\[(warning|error|fatal)\] /.test(text)) {
      if (!/^(\[.*\] )?\[warning\] /.test(text)) report.errors++;
      if (NO_FRAME.test(text)) report.noFrames++;
      else if (UNDECODED.test(text) && !NO_FRAME.test(report.lastLines.at(-1) ?? '')) report.undecoded++;
      if (/CRC mismatch/.test(text)) report.damaged = true;
      if (/misdetection possible/.test(text)) report.guessed = true;
      if (/Estimating duration from bitrate/.test(text)) report.estimated = true;
      if (TRUNCATED.test(text)) report.truncated = true;
      if (CORRUPT.test(text)) report.corrupt = true;
      if (/moov atom not found/.test(text)) report.indexMissing = true;
      complaint(text);
      return;
    }
    if (report.headerDone) return;
    const input = /^\[info\] Input #0, (.+?), from '/.exec(text);
    if (input) {
      report.format = input[1]!;
      return;
    }
    if (report.format === null) return;
    const duration = /^\[info\]   Duration: (?:(\d+):(\d\d):(\d\d(?:\.\d+)?)|N\/A)(?:, start: (-?[\d.]+))?/.exec(text);
    if (duration) {
      report.startMs = Math.round(+(duration[4] ?? 0) * 1000);
      report.durationMs =
        duration[1] === undefined
          ? null
          : Math.max(
              0,
              Math.round(((+duration[1] * 60 + +duration[2]!) * 60 + +duration[3]!) * 1000) -
                (LENGTH_BY_CLOCK.test(report.format) ? Math.max(0, report.startMs) : 0),
            );
    } else if (/^\[info\]   Stream #0:\d+(?!\d).*?: (Audio|Video|Subtitle|Data|Attachment|Unknown)/.test(text)) {
      report.streams++;
      if (/^\[info\]   Stream #0:\d+(?!\d).*?: Audio:/.test(text)) {
        report.stereo[report.audioTracks] = / Hz, (stereo|2 channels)/.test(text);
        report.languages[report.audioTracks] =
          /^\[info\]   Stream #0:\d+(?:\[\w+\])?\((\w{2,8})\)/.exec(text)?.[1] ?? null;
        if (/ \(default\)/.test(text) && !marked) {
          marked = true;
          report.defaultTrack = report.audioTracks;
        }
        report.audioTracks++;
      }
    } else if (/^\[info\] (Stream mapping|Output #0)/.test(text)) report.headerDone = true;
  };
  return {
    report,
    push(bytes) {
      const lines = (rest + decoder.write(bytes)).split('\n');
      rest = lines.pop()!.slice(-4096);
      for (const text of lines) line(text.replace(/\r$/, ''));
    },
    end() {
      if (rest) line(rest);
      rest = '';
    },
  };
}
