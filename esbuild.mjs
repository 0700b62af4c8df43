/**
 * Bundles Earshot into dist/: the daemon, the command line, the workers, and the extension with its pages. Needs Node 24.
 *   node esbuild.mjs [--production]
 * Native packages stay outside and are found in node_modules; data that the daemon reads lies beside it as in the source tree.
 */
import { build } from 'esbuild';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = import.meta.dirname;
const production = process.argv.includes('--production');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const at = (...parts) => join(root, ...parts);

const node = {
  absWorkingDir: root, bundle: true, platform: 'node', target: 'node24', format: 'esm', logLevel: 'warning',
  sourcemap: production ? false : 'linked', minifySyntax: true, minifyWhitespace: production,
  outExtension: { '.js': '.mjs' }, outdir: 'dist',
  external: ['better-sqlite3', 'koffi', 'node-pty', 'node-llama-cpp', 'sherpa-onnx-node'],
  define: { EARSHOT_VERSION: JSON.stringify(version) },
  // CommonJS packages inside ask for built-in modules by require.
  banner: { js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);" },
};

/** Engines with a worker in Node: daemon/engines/<engine>/worker.ts → dist/workers/<engine>.mjs */
const engines = readdirSync(at('daemon/engines'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
const workers = engines.filter((engine) => existsSync(at('daemon/engines', engine, 'worker.ts')));

async function daemon() {
  await build({ ...node, entryPoints: [{ in: 'daemon/main.ts', out: 'earshotd' }, { in: 'daemon/ingest/child.ts', out: 'ingest-child' }, { in: 'daemon/speakers/child.ts', out: 'speakers-child' }, { in: 'daemon/confine/launch.ts', out: 'confine-launch' }] });
  await build({ ...node, entryPoints: workers.map((engine) => ({ in: `daemon/engines/${engine}/worker.ts`, out: `workers/${engine}` })) });
  // The same places relative to the bundle as to the modules that read them.
  cpSync(at('daemon/models/registry.json'), at('dist/registry.json'));
  for (const runtime of ['python', 'llama', 'llama-3.21', 'sherpa', 'dictionaries']) {
    mkdirSync(at('dist', runtime), { recursive: true });
    for (const file of readdirSync(at('daemon/runtimes', runtime))) if (/\.(json|txt)$/.test(file)) cpSync(at('daemon/runtimes', runtime, file), at('dist', runtime, file));
  }
  for (const engine of engines) if (existsSync(at('daemon/engines', engine, 'worker.py'))) cpSync(at('daemon/engines', engine, 'worker.py'), at('dist/workers', `${engine}.py`));
  cpSync(at('daemon/engines/python/earshot_worker.py'), at('dist/workers/earshot_worker.py'));
}

/** Split, so that a command loads only what it needs. */
async function cli() {
  const { metafile } = await build({ ...node, entryPoints: [{ in: 'daemon/cli/main.ts', out: 'cli' }], splitting: true, chunkNames: 'cli-[hash]', metafile: true });
  for (const file of readdirSync(at('dist'))) if (/^cli-.*\.mjs(\.map)?$/.test(file) && !(`dist/${file}` in metafile.outputs)) rmSync(at('dist', file));
}

/** The extension and its pages build themselves. */
async function extension() {
  if (!existsSync(at('extension/main.ts'))) return;
  const { buildExtension } = await import('./extension/build.ts');
  await buildExtension({ production });
}

// Nothing is removed first: a daemon that runs from here goes on finding its workers.
mkdirSync(at('dist/workers'), { recursive: true });
await Promise.all([daemon(), cli(), extension()]);
