/**
 * A wheel without Python: from the index that the user configured for pip, taken only when it is the locked one. For
 * ffmpeg, which is a static build in a wheel of its own.
 */
import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { makeFolder, openNew } from '../../client/files.ts';
import type { RuntimeId } from '../contracts/engine.ts';
import { useNetwork } from '../system/network.ts';
import { accepted, ask, fetchFailure, keep, persistently, Refused, textOf } from './download.ts';

export interface LockedWheel {
  package: string;
  file: string;
  /** Hexadecimal. */
  sha256: string;
}

const USUAL = 'https://pypi.org/simple';

/** `index-url` in the words of pip's configuration; null: it names none. */
export function indexIn(config: string): string | null {
  let section = '',
    found: string | null = null;
  for (const line of config.split(/\r?\n/)) {
    section = /^\s*\[(.+)\]\s*$/.exec(line)?.[1]?.toLowerCase() ?? section;
    const url = /^\s*index[-_]url\s*[=:]\s*(\S+)/i.exec(line)?.[1];
    // What is said of a command counts before what is said of all.
    if (url && (section === 'install' || (section === 'global' && found === null))) found = url;
  }
  return found;
}

/** Where pip's configuration lies, what counts most first. */
export function pipConfigs(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, home = homedir()): string[] {
  const { join } = platform === 'win32' ? win32 : posix;
  return [
    env.PIP_CONFIG_FILE,
    ...(platform === 'win32'
      ? [env.APPDATA && join(env.APPDATA, 'pip', 'pip.ini'), join(home, 'pip', 'pip.ini')]
      : [
          ...(platform === 'darwin' ? [join(home, 'Library', 'Application Support', 'pip', 'pip.conf')] : []),
          join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'pip', 'pip.conf'),
          join(home, '.pip', 'pip.conf'),
        ]),
    platform === 'win32'
      ? join(env.PROGRAMDATA ?? 'C:\\ProgramData', 'pip', 'pip.ini')
      : platform === 'darwin'
        ? '/Library/Application Support/pip/pip.conf'
        : '/etc/pip.conf',
  ].filter((path): path is string => Boolean(path));
}

async function usersIndex(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): Promise<string> {
  if (env.PIP_INDEX_URL) return env.PIP_INDEX_URL;
  for (const path of pipConfigs(env, platform)) {
    const found = indexIn(await readFile(path, 'utf8').catch(() => ''));
    if (found) return found;
  }
  return USUAL;
}

/** Where an index keeps a file, in its answer about a package: JSON of today's, HTML of all others. Null: nowhere. */
export function addressIn(answer: string, file: string, base: string): string | null {
  if (answer.trimStart().startsWith('{')) {
    const { files = [] } = JSON.parse(answer) as { files?: { filename: string; url: string }[] },
      found = files.find(each => each.filename === file);
    return found ? new URL(found.url, base).href : null;
  }
  for (const link of answer.split(/<a\s/i).slice(1)) {
    const [tag = '', text = ''] = link.split(/[<>]/, 2);
    if (text.trim() !== file) continue;
    const [, href] = /\bhref="([^"]+)"/.exec(tag) ?? [];
    if (href === undefined) continue;
    const url = new URL(href.replaceAll('&amp;', '&'), base);
    url.hash = '';
    return url.href;
  }
  return null;
}

const withoutSlash = (url: string): string => (url.endsWith('/') ? url.slice(0, -1) : url);
const JSON_OR_HTML = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5';

export interface FetchWheel {
  runtime: RuntimeId;
  wheel: LockedWheel;
  /** Exists. Its files come below it as they stand in the wheel. */
  directory: string;
  temporary: string;
  signal: AbortSignal;
  env: NodeJS.ProcessEnv;
  platform?: NodeJS.Platform;
}

/** @throws engineInstallFailed, cancelled, file system errors */
export async function fetchWheel(wanted: FetchWheel): Promise<void> {
  const { runtime, wheel, directory, temporary, signal, env, platform = process.platform } = wanted;
  useNetwork(env);
  const archive = join(temporary, wheel.file),
    index = `${withoutSlash(await usersIndex(env, platform))}/${wheel.package}/`;
  try {
    await persistently(async () => {
      const about = await accepted(await ask(index, signal, { accept: JSON_OR_HTML })),
        // The address that was asked in the end, and who asks where that is the same server.
        base = new URL(about.url || index);
      if (base.host === new URL(index).host) ({ username: base.username, password: base.password } = new URL(index));
      const url = addressIn(await textOf(about.body), wheel.file, base.href);
      if (url === null) throw new Refused(`${wheel.file} is not at ${base.host}`);
      const { body } = await accepted(await ask(url, signal));
      await keep(body, archive, { algorithm: 'sha256', digest: wheel.sha256, encoding: 'hex' });
    }, signal);
  } catch (error) {
    throw fetchFailure(runtime, error, signal);
  }
  await unzip(archive, directory, signal);
  await rm(archive, { force: true });
}

const openZip = promisify<string, yauzl.Options, ZipFile>(yauzl.open);

/** All files of an archive, below a folder. yauzl refuses names that lead out of it. */
export async function unzip(archive: string, folder: string, signal: AbortSignal): Promise<void> {
  const zip = await openZip(archive, { lazyEntries: true, autoClose: false }),
    read = promisify(zip.openReadStream.bind(zip)) as (entry: Entry) => Promise<NodeJS.ReadableStream>;
  try {
    for (;;) {
      const entry = await new Promise<Entry | null>((resolve, reject) => {
        zip
          .once('entry', resolve)
          .once('end', () => resolve(null))
          .once('error', reject);
        zip.readEntry();
      });
      zip.removeAllListeners();
      if (!entry) return;
      if (entry.fileName.endsWith('/')) continue;
      const target = join(folder, entry.fileName);
      await makeFolder(join(target, '..'), 0o777);
      const file = await openNew(target, (entry.externalFileAttributes >>> 16) & 0o111 ? 0o777 : 0o666);
      await pipeline(await read(entry), file.createWriteStream(), { signal });
    }
  } finally {
    zip.close();
  }
}
