/** Reads a file's headers from front to back, without the large parts between them. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Thrown when the file ends before what its own headers promise. */
export class EndOfFile extends Error {
  constructor() {
    super('the file ends too early');
    this.name = 'EndOfFile';
  }
}

export class ByteReader implements Disposable {
  readonly size: number;
  at = 0;
  #fd: number;
  #buffer = Buffer.alloc(256 * 1024);
  #start = 0;
  #filled = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    this.size = fstatSync(this.#fd).size;
  }
  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  get ended(): boolean {
    return this.at >= this.size;
  }

  /** The next bytes; valid until the next call. */
  take(count: number): Buffer {
    if (count < 0 || count > 64 * 1024 * 1024 || this.at + count > this.size) throw new EndOfFile();
    if (this.at < this.#start || this.at + count > this.#start + this.#filled) {
      if (count > this.#buffer.length) this.#buffer = Buffer.alloc(count);
      this.#start = this.at;
      this.#filled = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, this.at);
      if (this.#filled < count) throw new EndOfFile();
    }
    const from = this.at - this.#start;
    this.at += count;
    return this.#buffer.subarray(from, from + count);
  }
  skip(count: number): void {
    if (count < 0 || this.at + count > this.size) throw new EndOfFile();
    this.at += count;
  }
  u8(): number {
    return this.take(1)[0]!;
  }
  u16(): number {
    return this.take(2).readUInt16LE();
  }
  u32(): number {
    return this.take(4).readUInt32LE();
  }
  u64(): number {
    return Number(this.take(8).readBigUInt64LE());
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
