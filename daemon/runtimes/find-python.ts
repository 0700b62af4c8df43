/**
 * The Python that an environment is made with: every place where one may be, in order, and each really tried. What
 * stands under a Python's name may be a shop's window (Windows), an installer's (macOS), or too old.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import { allOnPath, isProgram, onPath } from '../system/find-program.ts';
import { environment } from '../workers/environment.ts';
import { run, SYSTEM_FOLDER, type Finished } from '../workers/spawn.ts';
import { newestPython, OLDEST_PYTHON, parseVersion, runPython, WINDOWS_PYTHON, type Built } from './python.ts';

const PROBE_MS = 15_000;
/** Names that distributions give to versions which are not their own, newest first. */
const VERSIONED = [13, 12, 11, 10, 9].map(minor => `python3.${minor}`);

/** How programs are asked; for tests. */
export interface Asking extends Built {
  env: NodeJS.ProcessEnv;
  /** Null: it could not be started, or took too long. */
  ask(program: string, args: readonly string[]): Promise<Pick<Finished, 'status' | 'output' | 'tail'> | null>;
  isProgram(path: string): boolean;
  /** What Windows' registry says below a key, in the form of its own files; null: nothing. */
  registry(key: string): Promise<string | null>;
}

export const asking = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): Asking => ({
  env,
  platform,
  arch: process.arch,
  release: release(),
  isProgram: path => isProgram(path, platform),
  ask: (program, args) =>
    run(program, args, { cwd: SYSTEM_FOLDER, env: environment('installer', {}, env), timeoutMs: PROBE_MS }).catch(
      () => null,
    ),
  registry: key => exported(key, env),
});

/** A file, because what reg.exe prints loses every letter that the console's code page lacks. */
async function exported(key: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'earshot-registry-')),
    file = join(folder, 'key.reg');
  try {
    const { status } = await run(join(SYSTEM_FOLDER, 'reg.exe'), ['export', key, file, '/y'], {
      cwd: SYSTEM_FOLDER,
      env: environment('local', {}, env),
      timeoutMs: PROBE_MS,
    });
    return status === 0 ? await readFile(file, 'utf16le') : null;
  } catch {
    return null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Interpreters that registered themselves (PEP 514) in an export of Software\Python, the newest version first. */
export function registered(text: string): string[] {
  const found: { version: number; path: string }[] = [];
  for (const block of text.replace(/^\uFEFF/, '').split(/\r?\n(?=\[)/)) {
    const [, tag] = /^\[.*\\Software\\Python\\[^\\\]]+\\([^\\\]]+)\\InstallPath\]/i.exec(block) ?? [];
    if (tag === undefined) continue;
    const value = (name: string): string | undefined =>
      new RegExp(`^${name}="((?:[^"\\\\]|\\\\.)*)"`, 'im').exec(block)?.[1]?.replaceAll(/\\(.)/g, '$1');
    const folder = value('@'),
      path = value('"ExecutablePath"') ?? (folder && `${folder.replace(/\\$/, '')}\\python.exe`);
    // "3.12", "3.12-arm64"
    const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(tag) ?? [];
    if (path) found.push({ path, version: Number(major) * 1000 + Number(minor) });
  }
  return found.sort((a, b) => b.version - a.version).map(({ path }) => path);
}

/** The shop's: what it writes below AppData lands in a folder of its own, where nobody else finds it. */
const isStores = (path: string): boolean => /\\WindowsApps\\/i.test(path);

/** Every place where a Python may be, the likeliest first, each once. */
async function* candidates(how: Asking): AsyncGenerator<string> {
  const { platform, env } = how,
    names = ['python3', 'python', ...(platform === 'win32' ? [] : VERSIONED)],
    onPath = names.flatMap(name => allOnPath(name, env, platform));
  if (platform === 'win32') {
    const stores: string[] = [];
    for await (const path of onWindows(how, onPath))
      if (isStores(path)) stores.push(path);
      else yield path;
    yield* stores;
    return;
  }
  if (platform === 'darwin') {
    // An editor that was started from the Dock may have no other PATH than the system's.
    const brew = ['/opt/homebrew/bin', '/usr/local/bin'];
    for (const folder of [...brew, '/Library/Frameworks/Python.framework/Versions/Current/bin'])
      yield `${folder}/python3`;
    for (const folder of brew) for (const name of VERSIONED) yield `${folder}/${name}`;
    // Without Apple's developer tools this one is a window that offers to install them.
    const tools = onPath.includes('/usr/bin/python3') ? await how.ask('/usr/bin/xcode-select', ['-p']) : null;
    yield* onPath.filter(path => tools?.status === 0 || !path.startsWith('/usr/bin/'));
    return;
  }
  yield* onPath;
}

async function* onWindows(how: Asking, onPath: readonly string[]): AsyncGenerator<string> {
  const { env } = how,
    launchers = [...allOnPath('py', env, 'win32'), `${env.SystemRoot ?? 'C:\\Windows'}\\py.exe`];
  for (const launcher of launchers) {
    if (!how.isProgram(launcher)) continue;
    const answer = await how.ask(launcher, ['-3', '-I', '-c', 'import json, sys; print(json.dumps(sys.executable))']);
    const path = answer?.status === 0 ? programIn(answer.output.toString('utf8')) : null;
    if (path) yield path;
  }
  for (const root of ['HKCU\\Software\\Python', 'HKLM\\Software\\Python'])
    yield* registered((await how.registry(root)) ?? '');
  yield* onPath;
}

function programIn(said: string): string | null {
  try {
    const path: unknown = JSON.parse(said);
    return typeof path === 'string' && path ? path : null;
  } catch {
    return null;
  }
}

const number = ([major, minor]: readonly [number, number]): number => major * 1000 + minor;
const fits = (version: readonly [number, number] | null, newest: readonly [number, number] | null): boolean =>
  version !== null &&
  number(version) >= number(OLDEST_PYTHON) &&
  (newest === null || number(version) <= number(newest));

/** Whether packages are built for interpreters of its kind: Windows has some for 32 bits and for ARM too. */
async function isOfOurKind(path: string, { platform, ask }: Asking): Promise<boolean> {
  if (platform !== 'win32') return true;
  const answer = await ask(path, ['-I', '-c', 'import sysconfig; print(sysconfig.get_platform())']);
  return answer?.status === 0 && answer.output.toString('utf8').trim() === WINDOWS_PYTHON;
}

/**
 * A Python to start from: the setting's, else the first of all places that answers and that packages are built for.
 * Throws `noPython`.
 */
export async function findPython(
  settings: Pick<Settings, 'pythonPath'>,
  env: NodeJS.ProcessEnv = process.env,
  how: Asking = asking(env),
): Promise<string> {
  const chosen = settings.pythonPath,
    newest = newestPython(how),
    seen = new Set<string>();
  let said = '';
  for await (const path of chosen ? [chosen] : candidates(how)) {
    if (seen.has(path) || !how.isProgram(path)) continue;
    seen.add(path);
    const answer = await how.ask(path, ['-I', '--version']);
    if (answer?.status === 0 && fits(parseVersion(answer.tail), newest) && (await isOfOurKind(path, how))) return path;
    said ||= answer?.tail.trim() ?? '';
  }
  throw new EarshotError(
    'noPython',
    {
      needed: OLDEST_PYTHON.join('.'),
      ...(newest ? { newest: newest.join('.') } : {}),
      ...(chosen ? { path: chosen } : { platform: how.platform }),
    },
    said || undefined,
  );
}

/**
 * Whether engines in Python are better not asked for: their environment is not there, and this machine has no Python to
 * make it from, or is of a kind that brings none (Windows, macOS) and nobody named one.
 */
export async function withoutPython(
  { runtimes, settings }: { runtimes: { ready(id: 'python'): boolean }; settings: Pick<Settings, 'pythonPath'> },
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  if (runtimes.ready('python')) return false;
  if (!settings.pythonPath && (platform === 'win32' || platform === 'darwin')) return true;
  if (!settings.pythonPath && onPath('uv', env)) return false;
  return findPython(settings, env).then(
    () => false,
    () => true,
  );
}

/** Whether an interpreter has pip. */
export const hasPip = async (path: string, env: NodeJS.ProcessEnv): Promise<boolean> =>
  (await runPython(path, ['-m', 'pip', '--version'], { timeoutMs: PROBE_MS }, env).catch(() => null))?.status === 0;
