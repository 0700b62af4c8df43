/**
 * Bundles Earshot into dist/: the daemon, the command line, the workers, and the extension with its pages. Needs Node
 * 24.
 *   node esbuild.mjs [--production] [--out FOLDER]
 *   node esbuild.mjs --watch           everything that the editor runs, again at every change
 * Native packages stay outside and are found in node_modules; data that the daemon reads lies beside it as in the
 * source tree.
 */
import { build, context } from 'esbuild';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, parse } from 'node:path';
import { parseArgs } from 'node:util';

const root = import.meta.dirname;
const {
  production,
  watch: watching,
  out,
} = parseArgs({
  options: {
    production: { type: 'boolean', default: false },
    watch: { type: 'boolean', default: false },
    out: { type: 'string', default: join(root, 'dist') },
  },
}).values;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const at = (...parts) => join(root, ...parts);

const node = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  logLevel: 'warning',
  sourcemap: production ? false : 'linked',
  minifySyntax: true,
  minifyWhitespace: production,
  outExtension: { '.js': '.mjs' },
  outdir: out,
  // pg's native client is an extra that nobody needs.
  external: ['better-sqlite3', 'koffi', 'node-pty', 'node-llama-cpp', 'sherpa-onnx-node', 'pg-native'],
  define: { EARSHOT_VERSION: JSON.stringify(version) },
  // CommonJS packages inside ask for built-in modules by require.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
};

/** Engines with a worker in Node: daemon/engines/<engine>/worker.ts → dist/workers/<engine>.mjs */
const engines = readdirSync(at('daemon/engines'), { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => entry.name);
const workers = engines.filter(engine => existsSync(at('daemon/engines', engine, 'worker.ts')));

/** Data in the same places relative to the bundle as to the modules that read it. */
const data = [
  { in: 'daemon/models/registry.json', out: 'registry' },
  { in: 'daemon/engines/python/earshot_worker.py', out: 'workers/earshot_worker' },
  ...['python', 'llama', 'llama-3.21', 'sherpa', 'dictionaries', 'ffmpeg', 'postgres'].flatMap(runtime =>
    readdirSync(at('daemon/runtimes', runtime))
      .filter(file => /\.(json|txt)$/.test(file))
      .map(file => ({ in: `daemon/runtimes/${runtime}/${file}`, out: `${runtime}/${parse(file).name}` })),
  ),
  ...readdirSync(at('daemon/fleet/sql')).map(file => ({
    in: `daemon/fleet/sql/${file}`,
    out: `sql/${parse(file).name}`,
  })),
  ...engines
    .filter(engine => existsSync(at('daemon/engines', engine, 'worker.py')))
    .flatMap(engine =>
      readdirSync(at('daemon/engines', engine))
        .filter(file => file.endsWith('.py'))
        .map(file => ({ in: `daemon/engines/${engine}/${file}`, out: `workers/${engine}/${parse(file).name}` })),
    ),
];

/** Of the pages that it makes: what its own font shows needs none of the machine. */
const FONTS = 'node_modules/@fontsource/noto-sans/files',
  ALPHABETS = ['latin', 'latin-ext', 'cyrillic', 'cyrillic-ext', 'greek', 'greek-ext', 'vietnamese'];
const fonts = [400, 700]
  .flatMap(weight => ALPHABETS.map(alphabet => `noto-sans-${alphabet}-${weight}-normal`))
  .map(name => ({ in: `${FONTS}/${name}.woff`, out: `fonts/${name}` }));

const daemon = [
  {
    ...node,
    entryPoints: [
      { in: 'daemon/main.ts', out: 'earshotd' },
      { in: 'daemon/ingest/child.ts', out: 'ingest-child' },
      { in: 'daemon/diarization/child.ts', out: 'diarization-child' },
      { in: 'daemon/repair/child.ts', out: 'repair-child' },
      { in: 'daemon/models/detect-child.ts', out: 'detect-child' },
      { in: 'daemon/models/build/child.ts', out: 'build-child' },
      { in: 'daemon/ingest/text-worker.ts', out: 'text-worker' },
      { in: 'daemon/documents/document-worker.ts', out: 'document-worker' },
      { in: 'daemon/workers/sandbox/launch.ts', out: 'sandbox-launch' },
      { in: 'daemon/fleet/postgres.ts', out: 'fleet-postgres' },
    ],
  },
  {
    ...node,
    entryPoints: workers.map(engine => ({ in: `daemon/engines/${engine}/worker.ts`, out: `workers/${engine}` })),
  },
  {
    absWorkingDir: root,
    outdir: out,
    entryPoints: [...data, ...fonts],
    loader: { '.json': 'copy', '.txt': 'copy', '.py': 'copy', '.woff': 'copy', '.sql': 'copy' },
    logLevel: 'warning',
  },
];

/** Split, so that a command loads only what it needs. */
async function cli() {
  const { metafile } = await build({
    ...node,
    entryPoints: [{ in: 'cli/main.ts', out: 'cli' }],
    splitting: true,
    chunkNames: 'cli-[hash]',
    metafile: true,
  });
  const written = new Set(Object.keys(metafile.outputs).map(file => basename(file)));
  for (const file of readdirSync(out))
    if (/^cli-.*\.mjs(\.map)?$/.test(file) && !written.has(file)) rmSync(join(out, file));
}

/** Tells the editor's task when building begins and when all of it has ended; at first that is everything. */
function announce(builds) {
  let busy = 0,
    said = false,
    first = builds;
  return {
    name: 'announce',
    setup({ onStart, onEnd }) {
      let built = false;
      onStart(() => {
        busy += 1;
        if (!said) console.log('build started');
        said = true;
      });
      onEnd(() => {
        if (!built) first -= 1;
        built = true;
        busy -= 1;
        if (busy || first) return;
        said = false;
        console.log('build finished');
      });
    },
  };
}

// Nothing is removed first: a daemon that runs from here goes on finding its workers.
mkdirSync(join(out, 'workers'), { recursive: true });
// The extension and its pages know what they are built of.
const { buildExtension } = await import('./scripts/build-extension.ts');
if (watching) {
  const all = [...daemon];
  await buildExtension({
    out,
    watch: async options => {
      all.push(options);
    },
  });
  const plugins = [announce(all.length)];
  await Promise.all(all.map(async options => (await context({ ...options, plugins })).watch()));
} else await Promise.all([...daemon.map(options => build(options)), cli(), buildExtension({ production, out })]);
