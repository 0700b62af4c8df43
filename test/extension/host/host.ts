/**
 * Starts a real VS Code (see install.ts) and a Chromium page on it. Everything a run writes lies in one temporary
 * folder, removed by close().
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findChromium, fromHost, hostDir, serverMain } from './install.ts';
import type { Browser, BrowserContext, Page } from './playwright.d.ts';

/** What an enclosing editor terminal or test runner sets, and the host must not inherit. */
export const FOREIGN = /^(VSCODE_|ELECTRON_|NODE_OPTIONS$|NODE_TEST_CONTEXT$|EARSHOT_)/;

/** Values of workbench.colorTheme: the id in the theme's manifest, not its label. */
export const THEMES = {
  dark: 'Dark Modern',
  light: 'Light Modern',
  hcDark: 'Default High Contrast',
  hcLight: 'Default High Contrast Light',
} as const;
export type Theme = keyof typeof THEMES;

const QUIET = {
  'workbench.colorTheme': THEMES.dark,
  'workbench.startupEditor': 'none',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': 'off',
  'chat.disableAIFeatures': true,
  'git.enabled': false,
};

export interface HostOptions {
  /** Folder to open. */
  workspace: string;
  /** Extension folder, loaded "under development" (turns the smoke-test driver on: no toasts). */
  extension?: string;
  /** Module with run(), executed in the extension host; needs `extension`. */
  tests?: string;
  /** .vsix files, or extension folders to link: as a user has them, toasts show. */
  install?: string[];
  /** User settings on top of the quiet ones. */
  settings?: Record<string, unknown>;
  /** For example zh-cn. */
  locale?: string;
  /** Opens the folder as an untrusted workspace. */
  restricted?: boolean;
  /** More environment for the server and the extension host. */
  env?: Record<string, string>;
  viewport?: { width: number; height: number };
}

export interface Host {
  page: Page;
  context: BrowserContext;
  port: number;
  url: string;
  dataDir: string;
  home: string;
  /** Ends everything; strays are processes that outlived the window and had to be killed. */
  close(): Promise<{ strays: Running[] }>;
  serverLog(): string;
  /** Every living process this run started, a detached daemon too. */
  processes(): Running[];
  /** Process ids of the windows' extension hosts, newest first. */
  hosts(): number[];
  /**
   * Runs fn(vscode, ...args) in the newest window's extension host. fn travels as text: it sees `require` and nothing
   * else from outside.
   */
  inHost<A extends unknown[], R>(
    fn: (vscode: typeof import('vscode'), ...args: A) => R,
    ...args: A
  ): Promise<Awaited<R>>;
}

export interface Running {
  pid: number;
  command: string;
}

export async function openHost(options: HostOptions): Promise<Host> {
  const {
    workspace,
    extension,
    tests,
    install = [],
    settings = {},
    locale,
    restricted = false,
    env = {},
    viewport = { width: 1280, height: 800 },
  } = options;
  if (extension && `${hostDir}/`.startsWith(`${resolve(extension)}/`))
    throw new Error(
      `${hostDir} lies inside the extension under development; set EARSHOT_VSCODE_HOST to a folder outside`,
    );
  killAll(marked(value => !alive(Number.parseInt(value, 10)))); // what a killed run left
  const data = mkdtempSync(join(tmpdir(), 'vsc-'));
  const user = join(data, 'User'),
    extensions = join(data, 'ext'),
    home = join(data, 'home');
  for (const folder of [user, extensions, home]) mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(user, 'settings.json'),
    JSON.stringify({
      ...QUIET,
      ...(restricted ? { 'security.workspace.trust.startupPrompt': 'never' } : {}),
      ...settings,
    }),
  );
  if (locale && !locale.startsWith('en')) stubLanguagePack(data, locale);

  const mark = `${process.pid}:${randomUUID()}`; // in the environment of every descendant, detached ones too
  const serverEnv = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))),
    HOME: home,
    XDG_RUNTIME_DIR: data,
    XDG_DATA_HOME: join(home, '.local/share'),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_STATE_HOME: join(home, '.local/state'),
    EXTENSIONS_GALLERY: '{"serviceUrl":"","itemUrl":"","resourceUrlTemplate":""}',
    ...env,
    EARSHOT_PROBE_DIR: data,
    [MARK]: mark,
  };
  const folders = [
    '--server-data-dir',
    data,
    '--user-data-dir',
    data,
    '--extensions-dir',
    extensions,
    '--accept-server-license-terms',
  ];
  for (const vsix of install.filter(i => i.endsWith('.vsix')))
    execFileSync(process.execPath, [serverMain, ...folders, '--install-extension', resolve(vsix)], {
      env: serverEnv,
      stdio: 'pipe',
    });
  for (const folder of [...install.filter(i => !i.endsWith('.vsix')), ...(tests ? [] : [PROBE])])
    link(resolve(folder), extensions);

  const server = spawn(
    process.execPath,
    [
      serverMain,
      ...folders,
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--without-connection-token',
      '--telemetry-level',
      'off',
      '--log',
      'info',
      ...(restricted ? [] : ['--disable-workspace-trust']),
      ...(extension ? ['--enable-smoke-test-driver'] : []),
      ...(locale ? ['--locale', locale] : []),
    ],
    { env: serverEnv, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  let log = '';
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk;
      if (process.env.VERBOSE) process.stderr.write(chunk);
    });
  const signalServer = (signal: NodeJS.Signals | 0): boolean => {
    try {
      process.kill(-server.pid!, signal);
      return true;
    } catch {
      return false;
    }
  };
  const mine = (): Running[] => marked(value => value === mark);
  const onExit = (): void => {
    signalServer('SIGKILL');
    killAll(mine());
    rmSync(data, { recursive: true, force: true });
  };
  process.once('exit', onExit);

  let browser: Browser | undefined;
  let closed: Promise<{ strays: Running[] }> | undefined;
  const close = (): Promise<{ strays: Running[] }> =>
    (closed ??= (async () => {
      // Leaving the page is an orderly disconnect, so deactivate() runs; a killed browser leaves the extension host
      // waiting for a reconnection.
      for (const page of browser?.contexts().flatMap(c => c.pages()) ?? [])
        await page.goto('about:blank', { timeout: 5000 }).catch(() => {});
      if (browser) await sleep(500);
      await browser?.close().catch(() => {});
      signalServer('SIGTERM');
      for (let i = 0; i < 50 && signalServer(0); i++) await sleep(100);
      signalServer('SIGKILL');
      const strays = mine();
      killAll(strays);
      process.removeListener('exit', onExit);
      running.delete(close);
      rmSync(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      return { strays };
    })());
  running.add(close);
  closeOnSignals();

  try {
    const port = await listening(server, () => log);
    const { chromium } = fromHost('playwright-core') as typeof import('./playwright.d.ts');
    browser = await chromium.launch({
      executablePath: findChromium() ?? '',
      headless: true,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      env: { ...process.env, [MARK]: `${process.pid}:browser` },
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
      ], // a name that cannot be resolved fails at once instead of hanging
    });
    const context = await browser.newContext({
      viewport,
      locale: locale ?? 'en',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    const remote = (path: string): string => `vscode-remote://127.0.0.1:${port}${resolve(path)}`;
    const payload = [
      ['skipWelcome', 'true'],
      ['skipReleaseNotes', 'true'],
      ...(extension ? [['extensionDevelopmentPath', remote(extension)]] : []),
      ...(tests ? [['extensionTestsPath', remote(tests)]] : []),
    ];
    return {
      page,
      context,
      port,
      dataDir: data,
      home,
      close,
      serverLog: () => log,
      processes: mine,
      url: `http://127.0.0.1:${port}/?folder=${encodeURIComponent(resolve(workspace))}&payload=${encodeURIComponent(JSON.stringify(payload))}`,
      hosts: () => probes(data).map(p => p.pid),
      inHost: async (fn, ...args) => {
        for (const end = Date.now() + 40_000; Date.now() < end; await sleep(50)) {
          const [newest] = probes(data);
          if (newest) return (await ask(newest.path, { code: fn.toString(), args })) as never;
        }
        throw new Error('no extension host listens');
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const MARK = 'EARSHOT_TEST_RUN';
const PROBE = join(dirname(fileURLToPath(import.meta.url)), 'probe');
const running = new Set<() => Promise<unknown>>();

/** A first signal closes everything in order, a second one ends at once. */
function closeOnSignals(): void {
  for (const [signal, number] of [
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const)
    if (!process.listenerCount(signal))
      process.once(
        signal,
        () => void Promise.all([...running].map(close => close())).finally(() => process.exit(128 + number)),
      );
}

/**
 * Makes an unpacked extension look installed. The index exists once a VSIX was installed; from then on only what it
 * lists is loaded.
 */
function link(folder: string, extensions: string): void {
  const { publisher, name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  const relativeLocation = `${publisher}.${name}-${version}`,
    index = join(extensions, 'extensions.json');
  symlinkSync(folder, join(extensions, relativeLocation));
  if (existsSync(index))
    writeFileSync(
      index,
      JSON.stringify([
        ...(JSON.parse(readFileSync(index, 'utf8')) as unknown[]),
        {
          identifier: { id: `${publisher}.${name}` },
          version,
          relativeLocation,
          location: { $mid: 1, scheme: 'file', path: join(extensions, relativeLocation) },
        },
      ]),
    );
}

/** The extension hosts now listening, newest first. */
function probes(data: string): { pid: number; path: string }[] {
  return readdirSync(data)
    .filter(f => /^probe-\d+\.sock$/.test(f))
    .map(f => ({ pid: Number(/\d+/.exec(f)![0]), path: join(data, f) }))
    .filter(({ pid }) => alive(pid))
    .map(p => ({ ...p, born: statSync(p.path, { throwIfNoEntry: false })?.ctimeMs ?? 0 }))
    .sort((a, b) => b.born - a.born);
}

async function ask(path: string, request: unknown): Promise<unknown> {
  const { promise, resolve: done, reject } = Promise.withResolvers<string>();
  let all = '';
  const socket = connect(path, () => socket.end(JSON.stringify(request)))
    .setEncoding('utf8')
    .on('data', d => {
      all += d;
    })
    .on('end', () => done(all))
    .on('error', reject);
  const text = await promise;
  if (!text) throw new Error('the extension host went away');
  const { value, error } = JSON.parse(text) as { value?: unknown; error?: string };
  if (error) throw new Error(`in the extension host: ${error}`);
  return value;
}

function listening(server: ChildProcess, log: () => string): Promise<number> {
  return new Promise((done, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server did not start:\n${log()}`)), 30_000);
    const look = (): void => {
      const found = /listening on (\d+)/.exec(log());
      if (found) {
        clearTimeout(timer);
        done(Number(found[1]));
      }
    };
    server.stdout!.on('data', look);
    look();
    server.once('exit', code => {
      clearTimeout(timer);
      reject(new Error(`the server exited with ${code}:\n${log()}`));
    });
  });
}

/**
 * An empty language pack: the workbench stays English, but vscode.env.language, package.nls.* and l10n bundles follow
 * the locale.
 */
function stubLanguagePack(data: string, locale: string): void {
  const file = join(data, 'main.i18n.json');
  writeFileSync(file, JSON.stringify({ version: '1.0.0', contents: {} }));
  // an empty list makes the scan of all extensions fail
  const extensions = [{ extensionIdentifier: { id: 'earshot-tests.language-pack' }, version: '1.0.0' }];
  writeFileSync(
    join(data, 'languagepacks.json'),
    JSON.stringify({ [locale]: { hash: randomUUID(), label: locale, extensions, translations: { vscode: file } } }),
  );
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const killAll = (list: Running[]): void => {
  for (const { pid } of list)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      /* gone meanwhile */
    }
};

/** Living processes whose inherited mark passes the test; from /proc, so Linux only. */
function marked(test: (mark: string) => boolean): Running[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter(d => /^\d+$/.test(d))
    .flatMap(pid => {
      try {
        const mark = new RegExp(`(?:^|\\0)${MARK}=([^\\0]*)`).exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1];
        if (!mark || Number(pid) === process.pid || !test(mark)) return [];
        return [
          { pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim() },
        ];
      } catch {
        return [];
      }
    });
}
