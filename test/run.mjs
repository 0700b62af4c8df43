/**
 * Everything that must hold, one after the other, and a report: types, then every test file under test/. `npm test`
 * sets up and comes here.
 *   npm test [-- WORDS…]   only test files whose path contains one of the words
 * The last line is `N passed, N failed`; the exit code is 0 only when something passed and nothing failed.
 */
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { styleText } from 'node:util';
import { check, CHECKS } from '../scripts/check.mjs';

const root = join(import.meta.dirname, '..');
const words = process.argv.slice(2);
const coloured = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (style, text) => (coloured ? styleText(style, text) : text);
/** A file that takes longer is ended and counts as failed. */
const FILE_TIMEOUT_MS = 8 * 60_000;
/** These measure time or memory: never beside another. */
const ALONE = /^test\/(bench\/|engines\/(ingest|live|memory|sandbox)\.|extension\/(firstwords|transcript)\.)/;
/** These use every core and gigabytes of memory: two at once, as many as the smallest machine has cores. */
const LARGE = /^test\/(engines|wine|extension|golden)\//;
const ORDER = [
  'unit',
  'contract',
  'gpu',
  'daemon',
  'faults',
  'security',
  'sim',
  'engines',
  'wine',
  'extension',
  'bench',
  'golden',
];

let passed = 0;
const failures = [],
  skipped = [];

/** One of the checks of scripts/check.mjs, counted like a test. */
async function checked(name) {
  const begun = Date.now(),
    { status, output } = await check(name);
  report(name, status === 0 ? 1 : 0, status === 0 ? 0 : 1, Date.now() - begun);
  if (status === 0) passed += 1;
  else failures.push({ file: name, name: '', why: output.trim().split('\n').slice(0, 40).join('\n') });
}

function report(name, good, bad, ms, skips = 0) {
  const mark = bad > 0 ? paint('red', '✗') : paint('green', '✓');
  console.log(
    `${mark} ${name.padEnd(44)} ${String(good).padStart(4)} ` +
      `passed${bad > 0 ? paint('red', `  ${bad} failed`) : ''}` +
      `${skips > 0 ? paint('yellow', `  ${skips} skipped`) : ''}  ${paint('dim', `${(ms / 1000).toFixed(1)} s`)}`,
  );
}

/** What went wrong, without the runner's own frames. */
function describe(error) {
  const causes = [];
  for (let cause = error?.cause ?? error; cause !== undefined && causes.length < 5; cause = cause?.cause)
    causes.push(
      typeof cause === 'string' ? cause : (causes.length === 0 && cause?.stack) || cause?.message || String(cause),
    );
  return causes
    .join('\nbecause: ')
    .split('\n')
    .filter(line => !line.includes('node:internal/'))
    .slice(0, 30)
    .join('\n');
}

/** Runs files in processes of their own, so many at a time. */
async function suites(files, atOnce) {
  const left = [...files];
  await Promise.all(
    Array.from({ length: Math.min(atOnce, left.length) }, async () => {
      for (let file = left.shift(); file !== undefined; file = left.shift()) await suite(file);
    }),
  );
}

/** One file: its tests counted; breaking outside of a test, or holding none, counts as one failed. */
async function suite(file) {
  const path = join(root, file),
    count = { file, good: 0, bad: 0, skips: 0 };
  let words = '',
    end = null;
  // A test that is over may leave something at work that keeps its file from ending: its process is ended then.
  const stream = run({
    files: [path],
    concurrency: 1,
    isolation: 'process',
    timeout: FILE_TIMEOUT_MS,
    signal: AbortSignal.timeout(FILE_TIMEOUT_MS + 5_000),
    cwd: root,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  // What the file says when it breaks outside of a test.
  stream.on('test:stderr', ({ message }) => {
    words = (words + message).slice(-4000);
  });
  stream.on('test:complete', ({ name, nesting, skip, todo, details }) => {
    if (nesting === 0 && name === path) end = details;
    else if (!details.passed) {
      // A test fails because one inside it failed: that one is counted.
      if (details.error?.failureType !== 'subtestsFailed') fail(count, name, details.error);
    } else if (skip !== undefined || todo !== undefined) {
      count.skips += 1;
      skipped.push(`${file} › ${name}${typeof skip === 'string' && skip ? `: ${skip}` : ''}`);
    } else if (details.type !== 'suite') {
      count.good += 1;
      passed += 1;
    }
  });
  for await (const _ of stream) {
    /* the listeners above do the work */
  }
  if (end && !end.passed && count.bad === 0)
    fail(
      count,
      '',
      words ||
        `ended with ${end.error?.exitCode === undefined ? describe(end.error) : `exit code ${end.error.exitCode}`}`,
    );
  else if (count.good + count.bad + count.skips === 0) fail(count, '', words || 'no test in this file');
  report(file.replace(/^test\//, ''), count.good, count.bad, end?.duration_ms ?? 0, count.skips);
}

function fail(count, name, error) {
  count.bad += 1;
  failures.push({ file: count.file, name, why: describe(error) });
}

let whole = false;
// However it ends, the last line says what is known, and a run that stops half-way is not a good one.
process.on('exit', () => {
  if (whole) return;
  console.log(`\nThe run stopped before its end.\n${passed} passed, ${failures.length + 1} failed`);
  process.exitCode = 1;
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

const begun = Date.now();
const files = globSync('test/**/*.test.ts', { cwd: root })
  .map(file => file.replaceAll('\\', '/'))
  .filter(file => words.length === 0 || words.some(word => file.includes(word)))
  .sort((a, b) => ORDER.indexOf(a.split('/')[1]) - ORDER.indexOf(b.split('/')[1]) || a.localeCompare(b));
// Once for all: they run from the same folder.
if (!process.env.EARSHOT_BUILT) execFileSync(process.execPath, [join(root, 'esbuild.mjs')], { stdio: 'inherit' });
process.env.EARSHOT_BUILT = '1';
if (words.length === 0) for (const name of Object.keys(CHECKS)) await checked(name);
const alone = files.filter(file => ALONE.test(file)),
  large = files.filter(file => !ALONE.test(file) && LARGE.test(file)),
  small = files.filter(file => !ALONE.test(file) && !LARGE.test(file));
await suites(small, Math.max(1, Math.min(4, availableParallelism())));
await suites(large, 2);
await suites(alone, 1);

if (skipped.length > 0) console.log(`\n${paint('yellow', 'Skipped')}\n${skipped.map(each => `  ${each}`).join('\n')}`);
for (const { file, name, why } of failures)
  console.log(
    `\n${paint('red', '✗')} ${paint('bold', file)}${name ? ` › ${name}` : ''}\n${why
      .split('\n')
      .map(line => `    ${line}`)
      .join('\n')}`,
  );
console.log(`\n${paint('dim', `${((Date.now() - begun) / 1000).toFixed(0)} s`)}`);
whole = true;
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;
