/**
 * Reads a file's headers from front to back, without the large parts between them. The file may be anyone's, and the
 * daemon waits meanwhile: what is read and how often is bounded, whatever the file says about itself.
 */
import { closeSync, fstatSync, readSync, statSync } from 'node:fs';
import { openFileNow } from '../../client/files.ts';
import { readSmallNow } from '../../client/small-file.ts';
import { EarshotError } from '../../schemas/errors.ts';

/** Thrown when the file ends before what its own headers promise. */
export class EndOfFile extends Error {
  constructor() {
    super('the file ends too early');
    this.name = 'EndOfFile';
  }
}

/** One page is read at a time: most of what lies between two headers is never wanted. */
const PAGE_BYTES = 16 * 1024;
/** The largest vocabularies in use take some 20 MB and 700,000 reads, the largest CTranslate2 models 30 MB of pages. */
const MOST_BYTES = 64 * 1024 ** 2,
  MOST_READS = 2_000_000;
/** Of one string; longer ones (templates for chats) are skipped by those who read them. */
export const MOST_TEXT = 64 * 1024;

const broken = (path: string, why: string): EarshotError => new EarshotError('modelBroken', { path }, why);

/**
 * Opens a regular file, or a link to one. Pipes, devices and sockets could keep the reader waiting forever.
 *
 * @throws modelBroken
 */
export function openRegular(path: string): number {
  const refuse = (): EarshotError => broken(path, 'not a regular file');
  // Opening a device can already change something, so the look comes first; not waiting holds if it changes in between.
  if (!statSync(path).isFile()) throw refuse();
  try {
    return openFileNow(path);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code ? error : refuse();
  }
}

/**
 * The whole of a small text file beside a model.
 *
 * @throws modelBroken not a regular file, or longer than `most` bytes
 */
export function readSmallText(path: string, most: number): string {
  try {
    return readSmallNow(path, most).toString('utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === undefined || code === 'EFBIG' ? broken(path, message) : error;
  }
}

export class ByteReader implements Disposable {
  readonly size: number;
  at = 0;
  readonly #path: string;
  #fd: number;
  #buffer = Buffer.alloc(PAGE_BYTES);
  #start = 0;
  #filled = 0;
  #bytesLeft = MOST_BYTES;
  #readsLeft = MOST_READS;

  /** @throws modelBroken not a regular file */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openRegular(path);
    this.size = fstatSync(this.#fd).size;
  }
  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  get ended(): boolean {
    return this.at >= this.size;
  }

  /** Where the next `count` bytes lie in the buffer. */
  #next(count: number): number {
    if (!(count >= 0 && this.at + count <= this.size)) throw new EndOfFile();
    if (--this.#readsLeft < 0 || count > MOST_TEXT) throw this.tooLarge();
    if (this.at < this.#start || this.at + count > this.#start + this.#filled) {
      const wanted = Math.max(count, PAGE_BYTES);
      if ((this.#bytesLeft -= wanted) < 0) throw this.tooLarge();
      if (wanted > this.#buffer.length) this.#buffer = Buffer.alloc(wanted);
      this.#start = this.at;
      this.#filled = readSync(this.#fd, this.#buffer, 0, wanted, this.at);
      if (this.#filled < count) throw new EndOfFile();
    }
    const from = this.at - this.#start;
    this.at += count;
    return from;
  }
  /** For counts and depths that no real file has. */
  tooLarge(): EarshotError {
    return broken(this.#path, 'its header is larger than that of any model');
  }

  /** The next bytes; valid until the next call. */
  take(count: number): Buffer {
    const from = this.#next(count);
    return this.#buffer.subarray(from, from + count);
  }
  skip(count: number): void {
    if (!(count >= 0 && this.at + count <= this.size)) throw new EndOfFile();
    this.at += count;
  }
  u8(): number {
    return this.#buffer[this.#next(1)]!;
  }
  u16(): number {
    const from = this.#next(2);
    return this.#buffer.readUInt16LE(from);
  }
  u32(): number {
    const from = this.#next(4);
    return this.#buffer.readUInt32LE(from);
  }
  /** Above 2^53 only nearly right; no file is that long. */
  u64(): number {
    const from = this.#next(8);
    return this.#buffer.readUInt32LE(from) + this.#buffer.readUInt32LE(from + 4) * 2 ** 32;
  }
  text(count: number): string {
    return this.take(count).toString('utf8');
  }
  /** A protobuf varint. */
  varint(): number {
    let value = 0;
    for (let shift = 1, count = 0; count < 10; count++, shift *= 128) {
      const byte = this.u8();
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
    throw new EndOfFile();
  }
}
