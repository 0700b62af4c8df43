/** A file on its way: what has arrived is hashed as it is written, and a cut transfer goes on where it stopped. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openFile, openOwn, writeAnew } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { freeBytes, LEAST_FREE_BYTES } from '../system/disk.ts';

/** How much is written between looks at the room that is left. */
const WATCHED_BYTES = 64 * 1024 ** 2;

/** Which source the bytes so far are of, so that only that source goes on with them. */
export interface PartNote {
  source: string;
  /** The hub's tag of the file, for files that are not pinned. */
  etag?: string | null;
  /** Wheels: parts that are whole, and where the last of them ends. */
  parts?: number;
  bytes?: number;
}

export class PartFile {
  readonly path: string;
  bytes = 0;
  note: PartNote | null = null;
  #hash: Hash = createHash('sha256');
  #handle: FileHandle;
  readonly #free: () => Promise<number>;
  #unwatched = Infinity;

  private constructor(path: string, handle: FileHandle, free: () => Promise<number>) {
    this.path = path;
    this.#handle = handle;
    this.#free = free;
  }

  /** Opens what is there, reading it once for its hash. `free`: bytes on its disk. */
  static async open(
    path: string,
    signal: AbortSignal,
    free: () => Promise<number> = () => freeBytes(dirname(path)),
  ): Promise<PartFile> {
    const note = await readFile(`${path}.json`, 'utf8').then(
      text => JSON.parse(text) as PartNote,
      () => null,
    );
    const part = new PartFile(path, await openOwn(path, 0o666), free);
    try {
      part.note = note;
      const { size } = await stat(path);
      if (size > 0) await part.#read(note ? size : 0, signal);
      return part;
    } catch (error) {
      await part.close();
      throw error;
    }
  }

  /** Starts from nothing for a source. */
  async begin(note: PartNote): Promise<void> {
    await this.truncate(0);
    await this.mark(note);
  }

  async mark(note: PartNote): Promise<void> {
    this.note = note;
    await writeAnew(`${this.path}.json`, JSON.stringify(note), 0o666);
  }

  /** @throws with code ENOSPC, before the disk is full: how much comes is for somebody else to say. */
  async write(chunk: Uint8Array): Promise<void> {
    if ((this.#unwatched += chunk.length) > WATCHED_BYTES) {
      this.#unwatched = 0;
      if ((await this.#free()) < LEAST_FREE_BYTES)
        throw Object.assign(new Error('the disk is nearly full'), { code: 'ENOSPC' });
    }
    for (let at = 0; at < chunk.length;)
      at += (await this.#handle.write(chunk, at, chunk.length - at, this.bytes + at)).bytesWritten;
    this.#hash.update(chunk);
    this.bytes += chunk.length;
  }

  async truncate(bytes: number, signal: AbortSignal = new AbortController().signal): Promise<void> {
    if (bytes === this.bytes) return;
    await this.#handle.truncate(bytes);
    await this.#read(bytes, signal);
  }

  /** Puts in its place what `convert` makes of it. A file that fits into memory. */
  async rewrite(convert: (bytes: Buffer) => Buffer): Promise<void> {
    const made = convert(await readFile(this.path));
    await this.begin({ source: 'converted' });
    await this.write(made);
  }

  /** On the disk, and its digest. Closes the file. */
  async finish(): Promise<string> {
    await this.#handle.sync();
    await this.close();
    return this.#hash.copy().digest('hex');
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }

  async discard(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
    await rm(`${this.path}.json`, { force: true });
  }

  async #read(bytes: number, signal: AbortSignal): Promise<void> {
    await this.#handle.truncate(bytes);
    this.#hash = createHash('sha256');
    this.bytes = bytes;
    if (bytes === 0) return;
    try {
      for await (const chunk of createReadStream(this.path, { highWaterMark: 1024 * 1024, signal }))
        this.#hash.update(chunk as Buffer);
    } catch (error) {
      if (signal.aborted) throw new EarshotError('cancelled');
      throw error;
    }
  }
}

/** sha256 of a file, in hexadecimal. */
export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await using file = await openFile(path);
  const options = { highWaterMark: 1024 * 1024, ...(signal ? { signal } : {}) };
  for await (const chunk of file.createReadStream(options)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Git's name for a file's content, which the hub states as the tag of small files. */
export async function gitBlobOf(path: string): Promise<string> {
  const { size } = await stat(path);
  const hash = createHash('sha1').update(`blob ${size}\0`);
  await using file = await openFile(path);
  for await (const chunk of file.createReadStream()) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
