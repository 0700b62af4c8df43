/**
 * Whether the sound of a recording is encrypted: the sample entry of an MP4 says so, and by whom; Matroska, Windows
 * Media and transport streams say so in structures of their own. ffmpeg does not: it decodes noise, or finds damage.
 */
import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../../client/small-file.ts';

/** Whose protection; `unknown`: the common one of streaming services. */
export type Protection = 'apple' | 'audible' | 'unknown';

const ENTRIES: Readonly<Record<string, Protection>> = { enca: 'unknown', drms: 'apple', aavd: 'audible' };
/** Boxes on the way to a track's sample entry. */
const WAY = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd'];
const MOST_BOXES = 10_000,
  HEADER_BYTES = 16;

interface Box {
  type: string;
  from: number;
  to: number;
}

/**
 * `audioTrack` null: any will do. Null: it is not encrypted, it is another kind of file, or its boxes make no sense.
 */
export async function protectionOf(file: FileHandle, audioTrack: number | null): Promise<Protection | null> {
  try {
    const { size } = await file.stat(),
      head = await readAt(file, 0, HEAD_BYTES);
    if (isEncryptedMatroska(head, audioTrack) || isEncryptedAsf(head) || isScrambled(head)) return 'unknown';
    const walk = new Walk(file);
    if (!(await walk.begins(size))) return null;
    const entries: string[] = [];
    for await (const track of walk.below({ type: '', from: 0, to: size }, WAY.slice(0, 2))) {
      if ((await walk.handlerOf(track)) !== 'soun') continue;
      for await (const description of walk.below(track, WAY.slice(2)))
        for await (const entry of walk.boxes({ ...description, from: description.from + 8 })) {
          entries.push(entry.type);
          break;
        }
    }
    if (audioTrack === null && entries.some(entry => !ENTRIES[entry])) return null;
    return ENTRIES[entries[audioTrack ?? 0] ?? ''] ?? null;
  } catch {
    return null;
  }
}

/** Of these kinds all that matters stands at the beginning. */
const HEAD_BYTES = 512 * 1024;

const MATROSKA = { header: 0x1a45dfa3, segment: 0x18538067, tracks: 0x1654ae6b, entry: 0xae },
  TRACK_TYPE = 0x83,
  AUDIO = 2,
  ENCRYPTION_WAY = [0x6d80, 0x6240, 0x5035];

interface Element {
  id: number;
  content: Buffer;
}

/** The elements in one of Matroska's, as far as they are there. */
function* elements(content: Buffer): Generator<Element> {
  const number = (at: number, keepMark: boolean): [value: number, width: number] | null => {
    const width = Math.clz32(content[at] ?? 0) - 23;
    if (width > 8 || at + width > content.length) return null;
    let value = keepMark ? content[at]! : content[at]! & (0xff >> width);
    for (let n = 1; n < width; n++) value = value * 256 + content[at + n]!;
    return [value, width];
  };
  for (let at = 0; at < content.length;) {
    const id = number(at, true),
      length = id && number(at + id[1], false);
    if (!length) return;
    const start = at + id[1] + length[1],
      open = length[0] === 2 ** (7 * length[1]) - 1;
    yield { id: id[0], content: content.subarray(start, open ? content.length : start + length[0]) };
    at = open ? content.length : start + length[0];
  }
}
function* elementsBelow(content: Buffer, [id, ...rest]: readonly number[]): Generator<Buffer> {
  for (const element of elements(content))
    if (element.id === id) {
      if (rest.length === 0) yield element.content;
      else yield* elementsBelow(element.content, rest);
    }
}

function isEncryptedMatroska(head: Buffer, audioTrack: number | null): boolean {
  if (head.length < 4 || head.readUInt32BE(0) !== MATROSKA.header) return false;
  const { segment, tracks, entry } = MATROSKA,
    encrypted: boolean[] = [];
  for (const track of elementsBelow(head, [segment, tracks, entry])) {
    const [type] = elementsBelow(track, [TRACK_TYPE]);
    if (type?.at(-1) === AUDIO) encrypted.push(!elementsBelow(track, ENCRYPTION_WAY).next().done);
  }
  return audioTrack === null ? encrypted.length > 0 && encrypted.every(Boolean) : (encrypted[audioTrack] ?? false);
}

const ASF_HEADER = Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex'),
  /** The encryption objects of Windows Media: of its first rights management, its second, and PlayReady. */
  ASF_ENCRYPTION = [
    'fbb3112223bdd211b4b700a0c955fc6e',
    '14e68a292226174cb935dae07ee9289c',
    '338505438169e6499b74ad12cb86d58c',
  ];

function isEncryptedAsf(head: Buffer): boolean {
  if (!head.subarray(0, 16).equals(ASF_HEADER) || head.length < 30) return false;
  const end = Math.min(head.length, Number(head.readBigUInt64LE(16)));
  for (let at = 30; at + 24 <= end;) {
    if (ASF_ENCRYPTION.includes(head.toString('hex', at, at + 16))) return true;
    const length = Number(head.readBigUInt64LE(at + 16));
    if (length < 24) return false;
    at += length;
  }
  return false;
}

/** With the time stamp of Blu-ray discs and cameras in front, or without. */
const TS_PACKETS = [
    { length: 188, sync: 0 },
    { length: 192, sync: 4 },
  ],
  SYNC = 0x47,
  LEAST_PACKETS = 20;

/** A transport stream in which the most is scrambled, and no sound begins in the clear. */
function isScrambled(head: Buffer): boolean {
  for (const { length, sync } of TS_PACKETS) {
    const packets = Math.floor((head.length - sync) / length);
    let scrambled = 0,
      clear = 0;
    const fits = (n: number): boolean => head[n * length + sync] === SYNC;
    if (packets < LEAST_PACKETS || !Array.from({ length: LEAST_PACKETS }, (_, n) => n).every(fits)) continue;
    for (let n = 0; n < packets && fits(n); n++) {
      const packet = head.subarray(n * length + sync, n * length + sync + 188),
        pid = packet.readUInt16BE(1) & 0x1fff,
        control = packet[3]!;
      if (pid < 0x20 || pid === 0x1fff || (control & 0x10) === 0) continue;
      if (control & 0xc0) scrambled++;
      else {
        const at = control & 0x20 ? 5 + packet[4]! : 4,
          begins = packet[1]! & 0x40 && at + 4 <= packet.length && packet.readUIntBE(at, 3) === 1;
        if (begins && isSound(packet[at + 3]!)) return false;
        clear++;
      }
    }
    return scrambled > clear;
  }
  return false;
}
const isSound = (stream: number): boolean => (stream & 0xe0) === 0xc0 || stream === 0xbd || stream === 0xfd;

class Walk {
  private readonly file: FileHandle;
  private left = MOST_BOXES;

  constructor(file: FileHandle) {
    this.file = file;
  }

  async begins(size: number): Promise<boolean> {
    const head = await readAt(this.file, 0, 8);
    return size > 8 && /^(ftyp|moov|mdat|wide|free|skip)$/.test(head.toString('latin1', 4, 8));
  }

  /** The boxes within one. */
  async *boxes({ from, to }: Box): AsyncGenerator<Box> {
    for (let at = from; at + 8 <= to && this.left-- > 0;) {
      const head = await readAt(this.file, at, HEADER_BYTES);
      if (head.length < 8) return;
      const short = head.readUInt32BE(0),
        long = short === 1 && head.length >= HEADER_BYTES;
      const length = long ? Number(head.readBigUInt64BE(8)) : short === 0 ? to - at : short,
        start = at + (long ? HEADER_BYTES : 8);
      if (length < start - at) return;
      yield { type: head.toString('latin1', 4, 8), from: start, to: Math.min(at + length, to) };
      at += length;
    }
  }

  /** Those that the way leads to. */
  async *below(box: Box, way: readonly string[]): AsyncGenerator<Box> {
    const [next, ...rest] = way;
    for await (const each of this.boxes(box))
      if (each.type === next) {
        if (rest.length === 0) yield each;
        else yield* this.below(each, rest);
      }
  }

  /** What a track holds: “soun”, “vide”. */
  async handlerOf(track: Box): Promise<string> {
    for await (const handler of this.below(track, ['mdia', 'hdlr']))
      return (await readAt(this.file, handler.from + 8, 4)).toString('latin1');
    return '';
  }
}
