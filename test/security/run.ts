/**
 * `npm run test:security [-- --minutes 10] [-- --seed 7 --target GGUF]`: every attack that SECURITY.md names, then
 * inputs made by chance for so many minutes, in this process and against a real daemon. Fails on a breakdown, on a
 * thread that is kept for 100 ms, and on growth. With a seed and a target: that one input again. `--chance`: no
 * attacks.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MOST_MS } from './cpu.ts';
import { form, handles, held, onLeftOpen, TARGETS, tried } from './fuzzing.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Ten times what they take where nothing else is done. */
const ATTACKS_LIMIT_MS = 60 * 60_000,
  DAEMON_LIMIT_MS = 20 * 60_000;
const MOST_GROWTH_BYTES = 32 * 1024 ** 2;
const windows = process.platform === 'win32';
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    target: { type: 'string' },
    chance: { type: 'boolean' },
  },
});
const wanted = TARGETS.filter(({ name }) => name.includes(values.target ?? ''));
const minutes = Number(values.minutes),
  failures: string[] = [];
if (!wanted.length || !(minutes >= 0))
  throw new Error(`--minutes N, --target one of ${TARGETS.map(each => each.name).join(', ')}`);

/** Runs test files; what they said is shown where they fail, or do not end. */
async function passes(files: readonly string[], limitMs: number, env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=1', ...files],
    {
      cwd: ROOT,
      env: { ...process.env, EARSHOT_LONG: '1', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      // A group of its own: the runner waits for whatever its files left behind, and ends with it.
      detached: !windows,
    },
  );
  const end = (): boolean => (windows ? child.kill() : process.kill(-child.pid!, 'SIGKILL'));
  let said = '',
    late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, limitMs);
  const stopped = (): never => {
    end();
    process.exit(130);
  };
  process.on('SIGINT', stopped).on('SIGTERM', stopped);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-20_000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  process.off('SIGINT', stopped).off('SIGTERM', stopped);
  if (code !== 0) console.log(said);
  if (late) console.log(`No end within ${limitMs / 60_000} minutes of ${files.join(' ')}; what came last is above.`);
  return code === 0;
}

/** The daemon's own tests by chance, with one seed after the other. A neighbor's load passes, a fault comes again. */
async function daemons(until: number, first: number): Promise<void> {
  const survives = (seed: number): Promise<boolean> =>
    passes(['test/security/fuzz.test.ts'], DAEMON_LIMIT_MS, { EARSHOT_SEED: String(seed) });
  for (let seed = first; Date.now() < until; seed++)
    if (!(await survives(seed)) && !(await survives(seed)))
      failures.push(`a real daemon, EARSHOT_SEED=${seed} node --test test/security/fuzz.test.ts`);
}

async function inputs(until: number, first: number): Promise<number> {
  let seed = first,
    before: { bytes: number; handles: number } | null = null;
  const begun = Date.now();
  onLeftOpen(warning => failures.push(`a file was left open before seed ${seed}: ${warning}`));
  for (; Date.now() < until; seed++) {
    for (const target of wanted) {
      const wrong = tried(target, seed);
      if (wrong) failures.push(wrong);
    }
    const broken = await form(seed);
    if (broken) failures.push(broken);
    // Files that were left open are found soon after.
    if (seed % 10 === 0) held();
    // What is loaded and compiled once is no growth.
    if (!before && Date.now() > begun + (until - begun) / 4) before = { bytes: held(), handles: handles() };
  }
  if (before) {
    const grown = held() - before.bytes;
    console.log(`${(grown / 1024 ** 2).toFixed(1)} MB more held than at a quarter of the time`);
    if (grown > MOST_GROWTH_BYTES) failures.push(`${grown} bytes of growth, from seed ${first} on`);
    if (handles() > before.handles + 10) failures.push(`${handles()} handles after ${before.handles}`);
  }
  return seed - first;
}

if (values.seed !== undefined) {
  for (const target of wanted) console.log(tried(target, Number(values.seed)) ?? `${target.name}: as it should`);
} else {
  const named = [...readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').matchAll(/`(test\/[\w/.-]+\.test\.ts)`/g)].map(
    match => match[1]!,
  );
  // Windows of the editor are the business of `npm test`.
  const attacks = [...new Set(named)].filter(file => !file.startsWith('test/extension/')).sort();
  if (!values.target && !values.chance) {
    console.log(`${attacks.length} files of attacks …`);
    if (!(await passes(attacks, ATTACKS_LIMIT_MS))) failures.push('an attack succeeded');
  }
  const until = Date.now() + minutes * 60_000,
    first = Math.floor(Math.random() * 1e9);
  console.log(`Inputs made by chance from seed ${first} on, for ${minutes} minutes …`);
  const [seeds] = await Promise.all([inputs(until, first), values.target ? null : daemons(until, first)]);
  console.log(`${seeds} inputs for each of ${wanted.length} readers, and as many forms`);
  for (const failure of failures.slice(0, 20)) console.log(`✗ ${failure}`);
  console.log(
    failures.length
      ? `${failures.length} failed. One again: npm run test:security -- --seed N --target NAME`
      : `Nothing broke, kept a thread for ${MOST_MS} ms, or grew.`,
  );
}
process.exit(failures.length ? 1 : 0);
