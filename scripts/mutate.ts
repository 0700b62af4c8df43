/**
 * How many small faults in the pure rooms the tests notice.
 *   npm run mutate                              every mutant of every room
 *   npm run mutate -- scheduler text/glossary   rooms, or files whose path contains the word
 *   npm run mutate -- --sample 60 --seed 1      so many, drawn by chance that is the same for one seed
 * Prints the score of each room and every mutant that no test noticed; those that change nothing anybody could see are
 * listed, each with its reason, in mutation/equivalent.json.
 *
 * Why not Stryker: with `node:test` only its command runner works, which starts the whole test command for each
 * mutant without knowing which tests reach it (a day for these rooms on two cores), and its checker needs the
 * compiler's programming interface, which TypeScript 7 has not. Here all mutants of a file are compiled into one copy
 * behind switches, one process stays warm, and a mutant costs no more than the tests that reach it.
 */
import { fork } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutate, type Mutant } from './mutation/mutants.ts';
import type { Baseline, Outcome, Report, Task } from './mutation/worker.ts';

const root = join(import.meta.dirname, '..');
/** The rooms that compute and do nothing else. */
export const ROOMS: Readonly<Record<string, string[]>> = {
  scheduler: ['daemon/scheduler/*.ts'],
  outputs: ['daemon/outputs/placing.ts'],
  repair: ['daemon/repair/!(dictionaries).ts'],
  translation: ['daemon/translation/*.ts'],
  text: ['text/**/*.ts'],
};
/** Wording, which no test should repeat. */
const WORDING = /^text\/messages\/(en|zh-cn)(\.ts$|\/)/;
const TESTS = ['test/unit/**/*.test.ts', 'test/golden/*.test.ts'];
/** Simulations of whole days, and the sample of this very program. */
const NOT_THESE = /\/(simulator|mutation)\.test\.ts$/;
/** A process that says nothing for so long is at work on a mutant that never ends. */
const SILENCE_MS = 120_000;

interface Result extends Mutant {
  room: string;
  outcome: Outcome | 'equivalent';
  by: string;
}
interface Equivalent {
  file: string;
  code: string;
  change: string;
  why: string;
}

const slashes = (path: string): string => path.replaceAll('\\', '/');
const files = (patterns: string[]): string[] => globSync(patterns, { cwd: root }).map(slashes).sort();

/** Every file of the project that a file imports, directly or not. */
function importsOf(file: string, known: Map<string, Set<string>>): Set<string> {
  const before = known.get(file);
  if (before) return before;
  const all = new Set<string>();
  known.set(file, all);
  for (const [, path] of readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+\.ts)'/g)) {
    const target = slashes(join(dirname(file), path!));
    if (!existsSync(join(root, target))) continue;
    all.add(target);
    for (const each of importsOf(target, known)) all.add(each);
  }
  return all;
}

function shuffled<T>(items: T[], seed: number): T[] {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return items
    .map(item => ({ item, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/**
 * @param words rooms or parts of paths; all when empty
 * @param sample how many mutants to try; 0 for all
 * @param leaveOut test files that take too long for a sample
 * @throws when no test runs, or an equivalent mutant is listed that is none of these
 */
export async function measure(
  words: string[],
  sample: number,
  seed: number,
  { leaveOut, progress }: { leaveOut?: RegExp; progress?: (result: Result) => void } = {},
): Promise<Result[]> {
  const rooms = new Map<string, string>();
  for (const [room, patterns] of Object.entries(ROOMS))
    for (const file of files(patterns))
      if (
        !WORDING.test(file) &&
        (words.length === 0 || words.some(word => word === room || file.includes(`/${word}`) || file.startsWith(word)))
      )
        rooms.set(file, room);
  const known = new Map<string, Set<string>>();
  const tests = files(TESTS).filter(
    test => !NOT_THESE.test(test) && !leaveOut?.test(test) && [...importsOf(test, known)].some(file => rooms.has(file)),
  );
  let mutants: Mutant[] = [];
  const sources: Task['sources'] = [];
  for (const file of rooms.keys()) {
    sources.push({ file, first: mutants.length, tests: tests.filter(test => importsOf(test, known).has(file)) });
    mutants = [...mutants, ...mutate(readFileSync(join(root, file), 'utf8'), file, mutants.length).mutants];
  }
  const equivalent = new Set<number>();
  const listed = JSON.parse(readFileSync(join(root, 'scripts/mutation/equivalent.json'), 'utf8')) as Equivalent[];
  for (const each of listed.filter(({ file }) => rooms.has(file))) {
    const fits = mutants.filter(m => m.file === each.file && m.code === each.code && m.change === each.change);
    if (fits.length === 0) throw new Error(`No such mutant: ${each.file}: ${each.code}: ${each.change}`);
    for (const { id } of fits) equivalent.add(id);
  }
  const results: Result[] = [];
  const settle = (mutant: Mutant, outcome: Result['outcome'], by = ''): void => {
    const result = { ...mutant, room: rooms.get(mutant.file)!, outcome, by };
    results.push(result);
    progress?.(result);
  };
  const drawn = sample > 0 ? shuffled(mutants, seed).slice(0, sample) : mutants;
  for (const mutant of drawn) if (equivalent.has(mutant.id)) settle(mutant, 'equivalent');
  let todo = drawn.filter(({ id }) => !equivalent.has(id)).map(({ id }) => id),
    baseline: Baseline | null = null;
  while (todo.length > 0) {
    const { open, found, error } = await batch(
      { root, sources, baseline, mutantCount: mutants.length, mutants: todo },
      report => {
        if (report.kind === 'baseline') {
          baseline = report.baseline;
          for (const test of baseline.broken) console.error(`Left out, for it fails without any fault: ${test}`);
        } else if (report.kind === 'tried') settle(mutants[report.mutant]!, report.outcome, report.by);
      },
    );
    if (!baseline) throw new Error(`The tests did not run: ${error}`);
    if (open !== null) settle(mutants[open]!, 'timeout', 'the process ended or said nothing');
    todo = todo.filter(id => !found.has(id) && id !== open);
  }
  return results;
}

/** One warm process, until it is done, tired, broken or silent. `open` is the mutant that broke it. */
function batch(
  task: Task,
  onReport: (report: Report) => void,
): Promise<{ open: number | null; found: Set<number>; error: string }> {
  return new Promise(resolve => {
    const child = fork(join(import.meta.dirname, 'mutation/worker.ts'), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, FAST_CHECK_RUNS: '8' },
    });
    const found = new Set<number>();
    let open: number | null = null,
      error = '',
      timer: NodeJS.Timeout | undefined;
    const listen = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
    };
    child.stderr!.on('data', (chunk: Buffer) => (error = (error + chunk).slice(-4_000)));
    child.on('message', (report: Report) => {
      listen();
      if (report.kind === 'trying') open = report.mutant;
      if (report.kind === 'tried') {
        open = null;
        found.add(report.mutant);
      }
      onReport(report);
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ open, found, error });
    });
    listen();
    child.send(task);
  });
}

export const noticed = ({ outcome }: Result): boolean => outcome === 'killed' || outcome === 'timeout';
/** Share of the mutants that could be noticed; 1 when there is none. */
export function score(results: Result[]): number {
  const real = results.filter(({ outcome }) => outcome !== 'equivalent');
  return real.length === 0 ? 1 : real.filter(noticed).length / real.length;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { sample: { type: 'string' }, seed: { type: 'string' } },
  });
  const begun = Date.now();
  let count = 0;
  const results = await measure(positionals, Number(values.sample ?? 0), Number(values.seed ?? 1), {
    progress: () => {
      count += 1;
      if (process.stderr.isTTY) process.stderr.write(`\r${count}`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r');
  for (const { file, line, change, code, outcome } of results.filter(
    each => each.outcome === 'survived' || each.outcome === 'uncovered',
  ))
    console.log(`${file}:${line}  ${change}${outcome === 'uncovered' ? '  [no test gets here]' : ''}\n    ${code}`);
  console.log(
    '\n| room | mutants | noticed | of these too slow | equivalent | score |\n| --- | ---: | ---: | ---: | ' +
      '---: | ---: |',
  );
  for (const room of [...Object.keys(ROOMS), 'all']) {
    const of = results.filter(each => room === 'all' || each.room === room);
    if (of.length === 0) continue;
    const counted = (outcome: Result['outcome']): number => of.filter(each => each.outcome === outcome).length;
    console.log(
      `| ${room} | ${of.length} | ${of.filter(noticed).length} | ${counted('timeout')} | ${counted('equivalent')} | ${(score(of) * 100).toFixed(1)} % |`,
    );
  }
  console.log(`\n${((Date.now() - begun) / 1000).toFixed(0)} s`);
}
