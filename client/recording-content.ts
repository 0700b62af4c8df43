/** Whether a file is a recording, by what it begins with: for names that do not say it. */
import { isMedia, maybeMedia } from '../schemas/media.ts';
import { openFile } from './files.ts';
import { readAt } from './small-file.ts';

/** Some packets of a transport stream that may begin in the middle of one. */
const FIRST_BYTES = 4096;

/** By its name; where other files are called so as well, by its first bytes. A file that cannot be read is none. */
export const isRecordingFile = async (path: string): Promise<boolean> =>
  isMedia(path) || (maybeMedia(path) && beginsLikeRecording(await firstBytes(path)));

/** One that somebody named, whatever it is called: by its name, or else by its first bytes. */
export const isNamedRecording = async (path: string): Promise<boolean> =>
  isMedia(path) || beginsLikeRecording(await firstBytes(path));

async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    await using file = await openFile(path);
    return await readAt(file, 0, FIRST_BYTES);
  } catch {
    return new Uint8Array();
  }
}

/** Signatures: where they stand, and the bytes, as text (Latin-1). */
const SIGNATURES: readonly (readonly [at: number, ...bytes: string[]])[] = [
  [0, 'ID3', 'OggS', 'fLaC', 'FLV\x01', 'caff', '#!AMR', 'MAC ', 'wvpk', 'TTA1', 'TTA2', 'tBaK', 'MPCK', 'MP+', 'ADIF'],
  [0, '.RMF', '.ra\xfd', '.snd', 'DSD ', 'FRM8', 'NIST_1A', 'Creative Voice File', 'ajkg', 'NSVf', 'NSVs', 'DHAV'],
  [0, 'nut/multimedia container', '\x02dss', '\x03dss', 'ea3', 'EA3', 'TWIN9', 'SONY'],
  // Matroska and WebM, ASF, Wave64, MXF, WTV
  [0, '\x1aE\xdf\xa3', '\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'riff\x2e\x91\xcf\x11', '\x06\x0e\x2b\x34\x02\x05\x01\x01'],
  [0, '\xb7\xd8\x00\x20\x37\x49\xda\x11'],
  // MPEG program streams and video, GXF, DV, DTS in its four orders, AC-3
  [0, '\x00\x00\x01\xba', '\x00\x00\x01\xb3', '\x00\x00\x00\x00\x01\xbc', '\x1f\x07\x00'],
  [0, '\x7f\xfe\x80\x01', '\xfe\x7f\x01\x80', '\x1f\xff\xe8\x00', '\xff\x1f\x00\xe8', 'DTSHDHDR', '\x0b\x77'],
  // QuickTime without a type; Audible's oldest; MLP and TrueHD
  [4, 'moov', 'mdat', 'wide', '\x57\x90\x75\x36', '\xf8\x72\x6f\xba', '\xf8\x72\x6f\xbb'],
];
/** Containers of many things: the kind of content is named behind, and these are sound or video. */
const KINDS: readonly (readonly [container: string, ...kinds: string[]])[] = [
  ['RIFF', 'WAVE', 'AVI ', 'CDXA', 'XWMA'],
  ['RF64', 'WAVE'],
  ['BW64', 'WAVE'],
  ['FORM', 'AIFF', 'AIFC', '8SVX', '16SV'],
];
/** What pictures of the MP4 family call themselves. */
const PICTURES = /^(hei[cxms]|hev[cmxs]|mif1|msf1|avi[fs]|jxl |crx )$/;

/** Pure. `first`: at least some hundred bytes from the file's beginning, where it has as many. */
export function beginsLikeRecording(first: Uint8Array): boolean {
  const text = Buffer.from(first.buffer, first.byteOffset, first.length).toString('latin1');
  if (SIGNATURES.some(([at, ...bytes]) => bytes.some(each => text.startsWith(each, at)))) return true;
  const kind = text.slice(8, 12);
  if (KINDS.some(([container, ...kinds]) => text.startsWith(container) && kinds.includes(kind))) return true;
  if (text.startsWith('ftyp', 4)) return !PICTURES.test(kind);
  return isTransportStream(first) || framesFollow(first);
}

/** Packets of 188 bytes that begin with 0x47; others put a time before each, or check bytes behind it. */
function isTransportStream(first: Uint8Array): boolean {
  // Text has no zeros, and a stream's first table has some.
  if (!first.includes(0)) return false;
  return [188, 192, 204].some(step => {
    for (let start = 0; start < step; start++) {
      let at = start;
      while (at + 3 < first.length && isPacket(first, at)) at += step;
      if (at + 3 >= first.length && at - start >= 3 * step) return true;
    }
    return false;
  });
}

/** The mark, no error, and something in it. */
const isPacket = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x47 && (bytes[at + 1]! & 0x80) === 0 && (bytes[at + 3]! & 0x30) !== 0;

/** MPEG audio and AAC without a container: three frames, each where the one before ends. */
function framesFollow(first: Uint8Array): boolean {
  let at = first.findIndex(byte => byte !== 0);
  for (let frames = 0; frames < 3; frames++) {
    const length = at >= 0 && at + 6 <= first.length ? frameLength(first, at) : 0;
    if (length === 0) return false;
    at += length;
  }
  return true;
}

// kbit/s by layer, of MPEG 1 and of MPEG 2 and 2.5
const LAYER_I = [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
const LAYER_II = [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
const LAYER_III = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const LOW_I = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
const LOW = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES = [44_100, 48_000, 32_000];

/** Of the frame whose header stands there; 0: there is none. */
function frameLength(bytes: Uint8Array, at: number): number {
  const [a, b, c, d, e, f] = bytes.subarray(at, at + 6) as unknown as [number, number, number, number, number, number];
  if (a !== 0xff || (b & 0xe0) !== 0xe0) return 0;
  const layer = 4 - ((b >> 1) & 3);
  if (layer === 4) return (b & 0xf6) === 0xf0 ? ((d & 3) << 11) | (e << 3) | (f >> 5) : 0;
  const version = (b >> 3) & 3, // 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
    rate = RATES[(c >> 2) & 3],
    table = version === 3 ? [LAYER_I, LAYER_II, LAYER_III][layer - 1]! : layer === 1 ? LOW_I : LOW,
    bits = table[(c >> 4) - 1];
  if (version === 1 || rate === undefined || bits === undefined) return 0;
  const hertz = version === 3 ? rate : version === 2 ? rate / 2 : rate / 4,
    padding = (c >> 1) & 1;
  if (layer === 1) return (Math.floor((12_000 * bits) / hertz) + padding) * 4;
  return Math.floor(((layer === 3 && version !== 3 ? 72_000 : 144_000) * bits) / hertz) + padding;
}
