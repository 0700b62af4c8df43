/**
 * Whether the sound of an MP4 is encrypted: its sample entry says so, and by whom. ffmpeg does not: it decodes noise,
 * or finds damage.
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
      walk = new Walk(file);
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
