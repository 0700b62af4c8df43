/**
 * Makes the VSIX of a platform: `node scripts/package.ts [--target linux-x64,win32-x64|all] [--out FOLDER]`.
 * `--pictures`: where the repository's docs/images can be had by https, for the extension's page. Only what runs goes
 * in: bundles without maps, the pages, two native packages with their one prebuilt file, words, icons, the sample.
 * Engines and models come later, when they are wanted.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createVSIX } from '@vscode/vsce';
import { findNpm } from '../daemon/runtimes/npm.ts';

const root = join(fileURLToPath(import.meta.url), '..', '..');
/**
 * VS Code's names for platforms, and what the native packages call theirs: better-sqlite3's file, koffi's package and
 * the folder in it. Windows on ARM is not among them: nothing that decodes or hears is built for it, and the package
 * for x64 runs there. Neither is Alpine: the voice detector needs glibc.
 */
const TARGETS: Readonly<Record<string, { sqlite: string; koffi: string; folder: string }>> = {
  'linux-x64': { sqlite: 'linux-x64', koffi: 'linux-x64', folder: 'linux_x64' },
  'linux-arm64': { sqlite: 'linux-arm64', koffi: 'linux-arm64', folder: 'linux_arm64' },
  'darwin-x64': { sqlite: 'darwin-x64', koffi: 'darwin-x64', folder: 'darwin_x64' },
  'darwin-arm64': { sqlite: 'darwin-arm64', koffi: 'darwin-arm64', folder: 'darwin_arm64' },
  'win32-x64': { sqlite: 'win32-x64', koffi: 'win32-x64', folder: 'win32_x64' },
};

/** All packages with native parts that are put into a VSIX for some platform. */
export const KOFFI_PACKAGES = [...new Set(Object.values(TARGETS).map(({ koffi }) => `@koromix/koffi-${koffi}`))];

export const packageName = (version: string, target: string): string => `earshot-${target}-${version}.vsix`;

/** Bundles without maps, the same for every platform. Not in dist: what runs from there goes on. */
const bundle = (out: string): void => {
  execFileSync(process.execPath, [join(root, 'esbuild.mjs'), '--production', '--out', out], {
    cwd: root,
    stdio: 'inherit',
  });
};

/** Returns the path of the VSIX, in `out`. `bundles`: the folder that they were built into. */
export async function makePackage(
  target: string,
  out: string,
  bundles = join(root, 'dist'),
  pictures?: string,
): Promise<string> {
  if (!TARGETS[target]) throw new Error(`no such target: ${target}; there are ${Object.keys(TARGETS).join(', ')}`);
  const stage = mkdtempSync(join(tmpdir(), 'earshot-vsix-'));
  try {
    const copy = (from: string, to = from): void =>
      cpSync(join(root, from), join(stage, to), { recursive: true, dereference: true });
    for (const name of [
      'LICENSE',
      'THIRD_PARTY.md',
      'CHANGELOG.md',
      'package.nls.json',
      'package.nls.zh-cn.json',
      'l10n',
      'media',
      'syntaxes',
    ])
      if (existsSync(join(root, name))) copy(name);
    copy('samples/sense-and-sensibility.flac');
    writeFileSync(join(stage, 'README.md'), pageForUsers(pictures));
    // The command line is another way in, with its own bundle; an editor does not need it.
    cpSync(bundles, join(stage, 'dist'), {
      recursive: true,
      filter: path => !/\.map$|\/\.earshot-|\/cli[^/]*\.mjs$|node_modules|__pycache__/.test(path),
    });
    copyNatives(target, join(stage, 'dist/node_modules'));
    writeFileSync(join(stage, '.vscodeignore'), ''); // all that was put here goes in
    writeFileSync(join(stage, 'package.json'), JSON.stringify(manifest(), null, 2));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const packagePath = join(out, packageName(version, target));
    mkdirSync(dirname(packagePath), { recursive: true });
    await createVSIX({
      cwd: stage,
      target,
      packagePath,
      dependencies: false,
      allowMissingRepository: true,
      skipLicense: false,
      rewriteRelativeLinks: false,
    });
    return packagePath;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/**
 * The extension's page. Editors and the Marketplace load pictures by https alone: not from beside the page, nor from
 * within it. `pictures`: where the repository's docs/images can be had; without it the page goes without.
 */
export function pageForUsers(pictures: string | undefined): string {
  const page = readFileSync(join(root, 'extension/README.md'), 'utf8');
  return pictures === undefined
    ? page.replaceAll(/^!\[[^\]]*\]\([^)]*\)\n\n/gm, '')
    : page.replaceAll('](../docs/images/', `](${pictures.replace(/\/?$/, '/')}`);
}

/** The two native packages, each with its one prebuilt file for the platform. */
export function copyNatives(target: string, modules: string): void {
  const native = TARGETS[target]!,
    sqlite = 'node_modules/better-sqlite3';
  for (const part of ['package.json', 'LICENSE', 'lib', `prebuilds/${native.sqlite}.node`])
    cpSync(join(root, sqlite, part), join(modules, 'better-sqlite3', part), { recursive: true });
  // Its JavaScript without sources, manuals, headers and what compiles it.
  cpSync(join(root, 'node_modules/koffi'), join(modules, 'koffi'), {
    recursive: true,
    filter: path =>
      (/\.(c?js|json)$|\/LICENSE\.txt$/.test(path) && !path.endsWith('cnoke.cjs')) ||
      (statSync(path).isDirectory() && !/\/(doc|vendor|native)$/.test(path)),
  });
  nativeKoffi(`@koromix/koffi-${native.koffi}`, native.folder, modules);
}

interface Locked {
  version: string;
  integrity: string;
}

/** A package of the lock file. @throws where it is not in it, or without a checksum */
export function locked(name: string): Locked {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Partial<Locked>>;
  };
  const { version, integrity } = packages[`node_modules/${name}`] ?? {};
  if (!version || !integrity?.startsWith('sha512-')) throw new Error(`${name} is not locked with a checksum`);
  return { version, integrity };
}

/** @throws where the bytes are not those of the lock file */
export function verify(name: string, bytes: Buffer, { integrity }: Pick<Locked, 'integrity'>): void {
  const actual = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  if (actual !== integrity) throw new Error(`${name} is not what the lock file says: ${actual}, not ${integrity}`);
}

/**
 * Of koffi's package for a platform what chooses, and the one file that runs there. What npm did not install here is
 * fetched through it: the version of the lock file, and held against its checksum before anything of it is unpacked.
 */
function nativeKoffi(name: string, folder: string, modules: string): void {
  const take = (from: string): void => {
    for (const part of ['package.json', 'index.js', folder])
      cpSync(join(from, name, part), join(modules, name, part), { recursive: true });
  };
  const { version, integrity } = locked(name),
    installed = join(root, 'node_modules', name, 'package.json');
  if (existsSync(installed)) {
    const found = (JSON.parse(readFileSync(installed, 'utf8')) as { version: string }).version;
    if (found !== version) throw new Error(`${name} ${found} is installed, ${version} is locked: run npm ci`);
    return take(join(root, 'node_modules'));
  }
  const npm = findNpm();
  if (!npm) throw new Error(`npm was not found, which fetches ${name}`);
  const scratch = mkdtempSync(join(tmpdir(), 'earshot-koffi-'));
  try {
    const [{ filename }] = JSON.parse(
      execFileSync(
        npm.program,
        [...npm.args, 'pack', '--json', '--ignore-scripts', '--pack-destination', scratch, `${name}@${version}`],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
      ),
    ) as [{ filename: string }];
    const packed = join(scratch, filename.replace(/^@/, '').replace('/', '-')),
      unpacked = join(scratch, name);
    verify(name, readFileSync(packed), { integrity });
    mkdirSync(unpacked, { recursive: true });
    execFileSync('tar', ['-xzf', packed, '-C', unpacked, '--strip-components=1'], { stdio: 'inherit' });
    take(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The manifest without what only development needs: nothing of it is installed, so nothing may be asked for. */
function manifest(): Record<string, unknown> {
  const {
    dependencies: _d,
    devDependencies: _v,
    optionalDependencies: _o,
    scripts,
    private: _p,
    bin: _b,
    ...rest
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  const uninstall = 'vscode:uninstall'; // the one script that the editor runs
  return { ...rest, scripts: { [uninstall]: (scripts as Record<string, string>)[uninstall] } };
}

if (import.meta.main) {
  const {
    values: { target, out, pictures },
  } = parseArgs({
    options: {
      target: { type: 'string', default: `${process.platform}-${process.arch}` },
      out: { type: 'string', default: root },
      pictures: { type: 'string' },
    },
  });
  const bundles = mkdtempSync(join(tmpdir(), 'earshot-bundles-'));
  try {
    bundle(bundles);
    for (const one of target === 'all' ? Object.keys(TARGETS) : target.split(',')) {
      const path = await makePackage(one, out, bundles, pictures);
      console.log(`${path}: ${(statSync(path).size / 1e6).toFixed(1)} MB`);
    }
  } finally {
    rmSync(bundles, { recursive: true, force: true });
  }
}
