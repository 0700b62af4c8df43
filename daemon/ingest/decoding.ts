/** How ffmpeg is called to decode a recording, and what it says on stderr about it. */
import { StringDecoder } from 'node:string_decoder';

const PCM = ['-vn', '-sn', '-dn', '-map_metadata', '-1', '-ac', '1', '-f', 'f32le'];

/**
 * 16 kHz mono PCM of one audio track to stdout, 32-bit floats, which clip nothing. Loudness stays as it is. Gaps and a
 * late start become silence, so that times hold for the picture too; what is less than 40 ms off is left alone.
 * `oneSide`: of a stereo recording, instead of the sum of both.
 */
export const decodeArguments = (audioTrack: number, oneSide = false): string[] => [
  '-map',
  `0:a:${audioTrack}`,
  '-af',
  `${oneSide ? 'pan=mono|c0=c0,' : ''}aresample=16000:async=1:min_hard_comp=0.04:first_pts=0:rematrix_maxval=1`,
  ...PCM,
  '-flush_packets',
  '0',
  'pipe:1',
];

/** The same for sound that comes through a pipe as it is made: nothing is held back. */
export const decodeStreamArguments: readonly string[] = [
  '-map',
  '0:a:0',
  '-af',
  'aresample=16000:async=1:rematrix_maxval=1',
  ...PCM,
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
  /** When its first stream begins by its clock, and each audio track, ms. */
  startMs: number;
  audioStartsMs: number[];
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
  /** Lines that say the file ends too early. */
  truncated: boolean;
  /** Its index was to stand at the end and is not there: nothing can be read. */
  indexMissing: boolean;
  errors: number;
  /** The format is a guess that fits badly. */
  guessed: boolean;
  /** The header leaves the length open, as when it was written to a pipe: that the end comes says nothing. */
  open: boolean;
  /** Something was passed over that no sound could be made of. */
  damaged: boolean;
  /** ffmpeg itself said something; before it does, what it is started through may. */
  spoke: boolean;
  lastLines: string[];
}

const LAST_LINES = 12;
const TRUNCATED =
  /partial file|File ended prematurely|Packet corrupt|corrupt input packet|Truncat|incomplete frame|Input packet size too small/i;
const UNDECODED = /Error submitting packet to decoder|Decoding error|CRC mismatch/;
/** What comes before a packet that never was sound: a tag between or behind the frames of an MP3. */
const NO_FRAME = /Header missing/;
/** Containers whose clock starts anywhere: ffmpeg begins at the track that it reads, not at the first of all. */
const OWN_CLOCK = /^(mpegts|mpeg|nut)$/;
/** Here the length is that of the clock, not of what is there. */
const LENGTH_BY_CLOCK = /^matroska/;

/** Silence before an audio track, ms, that ffmpeg leaves out. Older ones do not say when a track begins. */
export const startsAfter = ({ format, startMs, audioStartsMs }: DecodingReport, audioTrack: number): number =>
  OWN_CLOCK.test(format ?? '') ? Math.max(0, (audioStartsMs[audioTrack] ?? startMs) - startMs) : 0;

/** Collects what ffmpeg's lines report. */
export function readDecoding(): { report: DecodingReport; push(bytes: Buffer): void; end(): void } {
  const report: DecodingReport = {
    format: null,
    durationMs: null,
    estimated: false,
    startMs: 0,
    audioStartsMs: [],
    stereo: [],
    languages: [],
    defaultTrack: 0,
    streams: 0,
    audioTracks: 0,
    headerDone: false,
    truncated: false,
    indexMissing: false,
    errors: 0,
    guessed: false,
    open: false,
    damaged: false,
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
      if (UNDECODED.test(text) && !NO_FRAME.test(report.lastLines.at(-1) ?? '')) report.damaged = true;
      if (/misdetection possible/.test(text)) report.guessed = true;
      if (/Ignoring maximum wav data size/.test(text)) report.open = true;
      if (/Estimating duration from bitrate/.test(text)) report.estimated = true;
      if (TRUNCATED.test(text) && !(report.open && /corrupt/i.test(text))) report.truncated = true;
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
        const start = /, start (-?[\d.]+)(?:,| \(|$)/.exec(text);
        report.stereo[report.audioTracks] = / Hz, (stereo|2 channels)/.test(text);
        report.languages[report.audioTracks] =
          /^\[info\]   Stream #0:\d+(?:\[\w+\])?\((\w{2,8})\)/.exec(text)?.[1] ?? null;
        if (/ \(default\)/.test(text) && !marked) {
          marked = true;
          report.defaultTrack = report.audioTracks;
        }
        report.audioStartsMs[report.audioTracks++] = start ? Math.round(+start[1]! * 1000) : 0;
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
