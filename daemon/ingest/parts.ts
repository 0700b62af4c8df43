/**
 * Files that somebody joined by writing one behind the other (`cat`, recorders that start anew, radio streams): where
 * each of them begins, by the containers' own structure. A reader that goes on over the joint drops what follows, or
 * takes it for more of the same; decoded one by one, all of it is heard.
 *
 * Matroska whose header leaves its length open is not looked through: that would be to read all of it.
 */
import { flacStarts } from './flac.ts';
import { bytesOf, WINDOW_BYTES, type Bytes } from './window.ts';

/** A range of a file, bytes. */
export interface Part {
  start: number;
  end: number;
  /** Fragments of MPEG-4 whose times go back: ffmpeg would pass over what was there before. */
  goesBack: boolean;
}

/** More parts than this are one. */
const MOST_PARTS = 10_000;
/** In order, without gaps; one where the file is not joined or of another kind. @throws where it cannot be read */
export function partsOf(fd: number, size: number): Part[] {
  const bytes = bytesOf(fd, size),
    head = bytes.at(0, 8).toString('latin1');
  const starts = head.endsWith('ftyp') ? isoStarts : KINDS[head.slice(0, 4)];
  const found: Part[] = [{ start: 0, end: size, goesBack: false }];
  for (const event of starts?.(bytes) ?? []) {
    const last = found.at(-1)!;
    if (event === 'back') last.goesBack = true;
    else {
      last.end = event;
      found.push({ start: event, end: size, goesBack: false });
    }
    if (found.length > MOST_PARTS) return [{ start: 0, end: size, goesBack: false }];
  }
  return found;
}

/** Where a part begins, or that in this one the clock goes back. */
type Found = number | 'back';

/** MPEG-4 and QuickTime: a box that names the type of file comes first, and once. */
function* isoStarts(bytes: Bytes): Generator<Found> {
  const times = new Map<number, number>();
  let content = false;
  for (let at = 0; at + 8 <= bytes.size;) {
    const box = bytes.at(at, 16),
      type = box.toString('latin1', 4, 8);
    if (!/^[\x20-\x7e\xa9]{4}$/.test(type)) return;
    if (type === 'ftyp' && content) {
      yield at;
      content = false;
      times.clear();
    }
    content ||= type === 'moov' || type === 'mdat' || type === 'moof';
    const short = box.readUInt32BE(0),
      length = short === 1 && box.length === 16 ? Number(box.readBigUInt64BE(8)) : short;
    if (length < 8) return; // 0: to the end
    if (type === 'moof')
      for (const [track, time] of fragmentTimes(bytes.at(at, Math.min(length, WINDOW_BYTES)))) {
        if (time < (times.get(track) ?? 0)) yield 'back';
        times.set(track, time);
      }
    at += length;
  }
}

/** The boxes in another, as far as they are there. */
function* boxes(content: Buffer): Generator<{ type: string; content: Buffer }> {
  for (let at = 0; at + 8 <= content.length;) {
    const length = content.readUInt32BE(at);
    if (length < 8) return;
    yield { type: content.toString('latin1', at + 4, at + 8), content: content.subarray(at + 8, at + length) };
    at += length;
  }
}

/** When a fragment begins, by track, in the track's own unit. */
function* fragmentTimes(moof: Buffer): Generator<[number, number]> {
  for (const { type, content } of boxes(moof.subarray(8))) {
    if (type !== 'traf') continue;
    let track: number | null = null;
    for (const { type, content: fields } of boxes(content))
      if (type === 'tfhd' && fields.length >= 8) track = fields.readUInt32BE(4);
      else if (type === 'tfdt' && track !== null && fields.length >= (fields[0] === 1 ? 12 : 8))
        yield [track, fields[0] === 1 ? Number(fields.readBigUInt64BE(4)) : fields.readUInt32BE(4)];
  }
}

const EBML = 0x1a45dfa3,
  SEGMENT = 0x18538067;

/** Matroska and WebM: a header, and a segment that says how long it is. */
function* matroskaStarts(bytes: Bytes): Generator<Found> {
  let content = false;
  for (let at = 0; at + 5 <= bytes.size;) {
    const element = bytes.at(at, 12),
      id = element.readUInt32BE(0);
    if (id === EBML && content) {
      yield at;
      content = false;
    } else if (id !== EBML && id !== SEGMENT) return;
    content ||= id === SEGMENT;
    const width = Math.clz32(element[4]!) - 23;
    if (width > 8 || element.length < 4 + width) return;
    let length = element[4]! & (0xff >> width),
      open = length === 0xff >> width;
    for (let n = 1; n < width; n++) {
      length = length * 256 + element[4 + n]!;
      open &&= element[4 + n] === 0xff;
    }
    if (open) return;
    at += 4 + width + length;
  }
}

/** Flash: tags, each of which says how long it is, behind a header of 9 bytes. */
function* flashStarts(bytes: Bytes): Generator<Found> {
  for (let at = 0, first = true; at + 15 <= bytes.size; first = false) {
    const tag = bytes.at(at, 11);
    if (tag.toString('latin1', 0, 3) === 'FLV' && tag.readUInt32BE(5) === 9) {
      if (!first) yield at;
      at += 9 + 4;
    } else at += 11 + tag.readUIntBE(1, 3) + 4;
  }
}

const PAGE_HEADER = 27,
  FIRST_PAGE = 2;

/** Ogg: the first pages of all streams come before any other. */
function* oggStarts(bytes: Bytes): Generator<Found> {
  let content = false;
  for (let at = 0; at + PAGE_HEADER <= bytes.size;) {
    const page = bytes.at(at, PAGE_HEADER + 255);
    if (page.toString('latin1', 0, 4) !== 'OggS') {
      // Damaged: the next page that is one.
      const next = bytes.at(at + 1, 4096).indexOf('OggS');
      at += next < 0 ? 4096 - 3 : 1 + next;
      continue;
    }
    if ((page[5]! & FIRST_PAGE) === 0) content = true;
    else if (content) {
      yield at;
      content = false;
    }
    const segments = page[26]!;
    let length = PAGE_HEADER + segments;
    for (const lacing of page.subarray(PAGE_HEADER, PAGE_HEADER + segments)) length += lacing;
    at += length;
  }
}

/** WAV and AIFF: one chunk that says how long it is and of what form. AVI goes on in chunks of its own. */
const chunkStarts = (form: RegExp, littleEndian: boolean) =>
  function* (bytes: Bytes): Generator<Found> {
    for (let at = 0; at + 12 <= bytes.size;) {
      const head = bytes.at(at, 12);
      if (!form.test(head.toString('latin1'))) return;
      if (at > 0) yield at;
      const length = littleEndian ? head.readUInt32LE(4) : head.readUInt32BE(4);
      at += 8 + length + (length % 2);
    }
  };

const ASF_HEADER = '3026b2758e66cf11a6d900aa0062ce6c';

/** Windows Media: objects, the first of which is the header. */
function* asfStarts(bytes: Bytes): Generator<Found> {
  for (let at = 0; at + 24 <= bytes.size;) {
    const head = bytes.at(at, 24),
      length = Number(head.readBigUInt64LE(16));
    if (at > 0 && head.toString('hex', 0, 16) === ASF_HEADER) yield at;
    if (length < 24) return; // live: to the end
    at += length;
  }
}

const KINDS: Readonly<Record<string, (bytes: Bytes) => Generator<Found>>> = {
  OggS: oggStarts,
  fLaC: flacStarts,
  RIFF: chunkStarts(/^RIFF[^]{4}WAVE/, true),
  FORM: chunkStarts(/^FORM[^]{4}AIF[FC]/, false),
  '0&\xb2u': asfStarts,
  'FLV\x01': flashStarts,
  '\x1aE\xdf\xa3': matroskaStarts,
};
