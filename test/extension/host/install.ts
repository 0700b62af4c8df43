/**
 * Installs a real VS Code for tests into a cache folder outside the repository: npm's code-server carries VS Code's
 * server and workbench, playwright drives a Chromium on it. Nothing is compiled. Run as a program it installs; imported
 * it says where things are.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { findNpm } from '../../../daemon/runtimes/npm.ts';
import { writeShims } from './shims.ts';

/** VS Code 1.139.1 and what drives it: exact, so that a new release cannot turn the tests red. */
export const PACKAGES = {
  'code-server': '4.139.1',
  'playwright-core': '1.65.1',
  'axe-core': '4.14.1',
  mocha: '12.0.3',
} as const;
export const VSCODE_VERSION = '1.139.1';

/** Must lie outside the extension's folder: VS Code would take the built-in themes in it for the extension's own. */
export const hostDir = resolve(
  process.env.EARSHOT_VSCODE_HOST ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'earshot-tests', `vscode-${VSCODE_VERSION}`),
);
/** require() as seen from there. */
export const fromHost = createRequire(join(hostDir, 'package.json'));
export const serverMain = join(hostDir, 'node_modules/code-server/lib/vscode/out/server-main.js');

const done = join(hostDir, 'installed.json');
const npm = (cwd: string, ...args: string[]): void => {
  const found = findNpm();
  if (!found) throw new Error('npm was not found');
  const how = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--engine-strict=false'];
  execFileSync(found.program, [...found.args, 'install', ...how, ...args], {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
};

/** Installs what is missing (about 40 s, 400 MB); quick when all is there. Two runs at once: the second waits. */
export async function installHost(): Promise<void> {
  if (existsSync(done)) return;
  mkdirSync(hostDir, { recursive: true });
  const lock = join(hostDir, 'lock');
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      if (existsSync(done)) return;
      await new Promise(r => setTimeout(r, 1000));
    }
  }
  try {
    if (existsSync(done)) return;
    console.error(`Installing VS Code ${VSCODE_VERSION} for tests into ${hostDir} …`);
    writeFileSync(join(hostDir, 'package.json'), '{ "name": "vscode-host", "private": true }');
    npm(hostDir, '--save-exact', ...Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`));
    const vscode = dirname(dirname(serverMain));
    npm(vscode, '--omit=dev');
    slim(vscode);
    writeShims(join(vscode, 'node_modules'));
    writeFileSync(`${done}.new`, JSON.stringify(PACKAGES));
    renameSync(`${done}.new`, done);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Removes 300 MB that the tests of an extension do not use. */
function slim(vscode: string): void {
  for (const path of [
    'node_modules/@github',
    'node_modules/@microsoft/mxc-sdk',
    'extensions/copilot',
    'extensions/mermaid-markdown-features',
  ])
    rmSync(join(vscode, path), { recursive: true, force: true });
  for (const folder of ['node_modules/node-pty/prebuilds', 'node_modules/@vscode/ripgrep-universal/bin'].map(p =>
    join(vscode, p),
  ))
    for (const name of existsSync(folder) ? readdirSync(folder) : [])
      if (!name.startsWith(process.platform)) rmSync(join(folder, name), { recursive: true });
}

/** The Chromium on PATH or in CHROMIUM; null where there is none. */
export function findChromium(): string | null {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome'])
    for (const dir of (process.env.PATH ?? '').split(delimiter))
      if (dir && existsSync(join(dir, name))) return join(dir, name);
  return null;
}

/** Chromium and two fonts from the distribution, where this user may install them (root on Debian or Ubuntu). */
function installChromium(): void {
  if (findChromium() || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  execFileSync(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core', 'fonts-wqy-zenhei'],
    { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } },
  );
}

/** Null when the tests in VS Code can run here (installing what is missing), else the reason why not, for a person. */
export async function hostUnavailable(): Promise<string | null> {
  if (process.platform !== 'linux')
    return 'the VS Code test host runs on Linux; elsewhere use EARSHOT_TEST_HOST=electron';
  try {
    installChromium();
  } catch (error) {
    return `Chromium could not be installed: ${String(error)}`;
  }
  if (!findChromium()) return 'no Chromium on PATH: install one (apt-get install chromium), or name it in CHROMIUM';
  try {
    await installHost();
  } catch (error) {
    return `the VS Code test host could not be installed: ${String(error)}`;
  }
  return null;
}

if (import.meta.main) {
  const reason = await hostUnavailable();
  if (reason) {
    console.error(reason);
    process.exitCode = 1;
  } else console.log(hostDir);
}
