/** Takes a package out of the archive that a registry keeps of it: the files alone, each within the folder. */
import { join } from 'node:path';
import { openNew, makeFolder } from '../../client/files.ts';

const BLOCK = 512;
/** Paths in extended headers; what is longer is no package's. */
const MOST_HEADER_BYTES = 64 * 1024;

/** A stream, cut as the archive wants it. */
class Bytes {
  private readonly source: AsyncIterator<Buffer>;
  private held = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** At least one byte and at most so many; null at the end. */
  async some(most: number): Promise<Buffer | null> {
    while (this.held.length === 0) {
      const next = await this.source.next();
      if (next.done) return null;
      this.held = next.value as Buffer<ArrayBuffer>;
    }
    const taken = this.held.subarray(0, most);
    this.held = this.held.subarray(taken.length);
    return taken;
  }

  /** Exactly so many. @throws where the stream ends before */
  async exactly(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = bytes; left > 0;) {
      const part = await this.some(left);
      if (!part) throw new Error('the archive is cut off');
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }
}

const text = (header: Buffer, from: number, length: number): string =>
  header.toString('utf8', from, from + length).replace(/\0.*$/s, '');

/** Octal digits, or where those do not suffice, the number itself behind a set bit. */
function number(header: Buffer, from: number, length: number): number {
  if (header[from]! & 0x80) return Number(header.readBigUInt64BE(from + length - 8));
  return Number.parseInt(text(header, from, length).trim() || '0', 8);
}

/** "27 path=package/…\n" lines of an extended header. */
function extendedPath(body: Buffer): string | undefined {
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at),
      length = Number(body.toString('latin1', at, space));
    if (space < 0 || !(length > 0)) return undefined;
    const line = body.toString('utf8', space + 1, at + length - 1);
    if (line.startsWith('path=')) return line.slice(5);
    at += length;
  }
  return undefined;
}

/** The path within the package: all of an archive lies in one folder, whatever that is called. Null: it leads out. */
function pathWithin(name: string): string | null {
  const parts = name.split('/').filter(part => part !== '' && part !== '.');
  return parts.length < 2 || parts.some(part => part === '..' || /[\\:\0]/.test(part))
    ? null
    : parts.slice(1).join('/');
}

/**
 * Writes the files of a tar stream into a folder, which exists. Links, devices and what would lie outside are left out,
 * as npm does. @throws where the archive is damaged, file system errors
 */
export async function unpack(archive: AsyncIterable<Buffer>, folder: string): Promise<void> {
  const bytes = new Bytes(archive),
    made = new Set<string>();
  let longer: string | undefined;
  for (;;) {
    const header = await bytes.exactly(BLOCK);
    if (header.every(byte => byte === 0)) return;
    const sum = header.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
    if (sum !== number(header, 148, 8)) throw new Error('the archive is damaged');
    const size = number(header, 124, 12),
      kind = text(header, 156, 1),
      prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '',
      name = longer ?? (prefix ? `${prefix}/` : '') + text(header, 0, 100);
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (kind === 'x' || kind === 'L') {
      if (size > MOST_HEADER_BYTES) throw new Error('the archive is damaged');
      const body = await bytes.exactly(size);
      longer = kind === 'L' ? text(body, 0, size) : extendedPath(body);
      await bytes.exactly(padding);
      continue;
    }
    longer = undefined;
    const path = kind === '' || kind === '0' ? pathWithin(name) : null;
    if (path === null) {
      for (let left = size; left > 0;) left -= (await bytes.exactly(Math.min(left, 64 * 1024))).length;
    } else {
      const target = join(folder, path),
        parent = join(target, '..');
      if (!made.has(parent)) await makeFolder(parent, 0o777);
      made.add(parent);
      const file = await openNew(target, number(header, 100, 8) & 0o111 ? 0o777 : 0o666);
      try {
        for (let left = size; left > 0;) {
          const part = await bytes.some(left);
          if (!part) throw new Error('the archive is cut off');
          await file.write(part);
          left -= part.length;
        }
      } finally {
        await file.close();
      }
    }
    await bytes.exactly(padding);
  }
}
