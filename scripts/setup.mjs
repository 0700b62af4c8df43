/**
 * From a fresh clone to something that runs: dependencies as the lock file says, the project's own Node, the bundles.
 * Then hands over.
 *   node scripts/setup.mjs start [earshot transcribe's arguments]
 *   node scripts/setup.mjs test
 *   node scripts/setup.mjs build
 * Plain JavaScript for Node 18 and later with nothing installed; quick when all is there.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const NODE_NEEDED = 24;
const SOURCES = [
  'schemas',
  'client',
  'text',
  'cli',
  'daemon',
  'extension',
  'webview',
  'scripts/build-extension.ts',
  'esbuild.mjs',
  'package.json',
];
const at = (...parts) => join(root, ...parts);
const paint = text => (process.stderr.isTTY && !process.env.NO_COLOR ? `\u001b[2m${text}\u001b[22m` : text);
const say = text => process.stderr.write(`${paint(text)}\n`);

function run(program, args, options = {}) {
  const { status, error, signal } = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) throw error;
  if (signal) {
    // Ctrl-C was the user's own; anything else is worth a word.
    if (signal !== 'SIGINT')
      say(`Ended by ${signal}${signal === 'SIGKILL' ? ' (is the machine out of memory?)' : ''}.`);
    process.exit(signal === 'SIGINT' ? 130 : 1);
  }
  return status ?? 1;
}

const read = path => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const digest = text => createHash('sha256').update(text).digest('hex');

/** npm as the one that runs us, without a shell. */
function npm(args) {
  const script = process.env.npm_execpath;
  // Node as npm uses it: the project's own lies in the folder that `npm ci` empties first.
  const node = process.env.npm_node_execpath ?? process.execPath;
  return script && /\.c?js$/.test(script) ? run(node, [script, ...args]) : run('npm', args);
}

function dependencies() {
  const wanted = digest(read(at('package-lock.json')) + read(at('.npmrc')) + process.platform + process.arch);
  // A link leads to what is somebody else's to install.
  if (lstatSync(at('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const stamp = at('node_modules', '.earshot-lock');
  if (read(stamp) === wanted) return;
  // A worktree that borrows the packages of another checkout: installing would empty that one's folder.
  if (lstatSync(at('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  say('Installing dependencies (once; they stay in node_modules)…');
  const code = npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0) {
    say('npm ci did not succeed; its message is above. Run this again to go on.');
    process.exit(code);
  }
  writeFileSync(stamp, wanted);
}

/** The project's own Node, or one that is new enough. */
function modernNode() {
  const own =
    process.platform === 'win32'
      ? at('node_modules', `node-win-${process.arch}`, 'bin', 'node.exe')
      : at('node_modules', '.bin', 'node');
  if (existsSync(own)) return own;
  if (Number(process.versions.node.split('.')[0]) >= NODE_NEEDED) return process.execPath;
  say(
    `Earshot needs Node ${NODE_NEEDED} or newer, and none comes as a package for ${process.platform} ` +
      `${process.arch}: ` +
      'install it from https://nodejs.org and run this again.',
  );
  process.exit(1);
}

/** Names, sizes and times of change of all sources. */
function sourceState() {
  const parts = [];
  const visit = path => {
    const entry = statSync(path, { throwIfNoEntry: false });
    if (!entry) return;
    if (entry.isDirectory())
      for (const name of readdirSync(path).sort()) {
        if (name !== '__pycache__') visit(join(path, name));
      }
    else parts.push(`${path.slice(root.length)} ${entry.size} ${entry.mtimeMs}`);
  };
  for (const source of SOURCES) visit(at(source));
  return digest(parts.join('\n') + read(at('node_modules', '.earshot-lock')));
}

function bundles(node) {
  const wanted = sourceState();
  const stamp = at('dist', '.earshot-sources');
  if (read(stamp) === wanted) return;
  say('Building…');
  rmSync(stamp, { force: true });
  const code = run(node, ['esbuild.mjs']);
  if (code !== 0) process.exit(code);
  // A daemon of the code before goes once what it does is done; the next command starts the new one.
  spawnSync(node, [at('bin', 'earshot.mjs'), 'daemon', 'stop'], { cwd: root, stdio: 'ignore' });
  mkdirSync(at('dist'), { recursive: true });
  writeFileSync(stamp, wanted);
}

const [what = 'start', ...rest] = process.argv.slice(2);
dependencies();
const node = modernNode();
const quiet = '--disable-warning=ExperimentalWarning';
if (what === 'start') {
  bundles(node);
  process.exitCode = run(node, [
    quiet,
    at('bin', 'earshot.mjs'),
    ...(rest.length > 0 ? ['transcribe', ...rest] : ['samples']),
  ]);
} else if (what === 'test') {
  bundles(node);
  // The tests run real engines on real weights: whatever of them is missing is fetched first.
  const install = ids => run(node, [quiet, at('bin', 'earshot.mjs'), 'models', 'install', ...ids]);
  const code = install([]);
  if (code === 0)
    for (const id of ['campplus', 'kokoro', 'moonshine-tiny-en'])
      if (install([id]) !== 0) say(`Without ${id}: its tests are skipped, and say so.`);
  spawnSync(node, [quiet, at('bin', 'earshot.mjs'), 'daemon', 'stop'], { cwd: root, stdio: 'ignore' });
  if (code !== 0) process.exit(code);
  process.exitCode = run(node, [quiet, at('test', 'run.mjs'), ...rest], {
    env: { ...process.env, EARSHOT_BUILT: '1' },
  });
} else if (what === 'build') {
  bundles(node);
} else {
  say(`There is no "${what}": start, test or build.`);
  process.exitCode = 2;
}
