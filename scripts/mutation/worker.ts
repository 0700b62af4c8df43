/**
 * A warm process that holds the files with all their mutants and the tests that reach them. It is given mutants to try
 * and says of each what became of it. Whoever started it ends it when it says nothing for long.
 */
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { close, collect, open, runCase, type Case } from './harness.ts';
import { mutate } from './mutants.ts';

/** A test and what it took without any fault: which mutants it reached, turns of loops, CPU time. */
export interface Reach {
  test: string;
  file: string;
  /** Place in its file. */
  index: number;
  mutants: number[];
  turns: number;
  ms: number;
}
export interface Baseline {
  tests: Reach[];
  /** Mutants that are reached while files load. */
  onLoad: number[];
  /** Tests that fail without any fault. */
  broken: string[];
}
export interface Task {
  root: string;
  /** Files under test with the id of their first mutant, and for each the test files that import it. */
  sources: { file: string; first: number; tests: string[] }[];
  baseline: Baseline | null;
  mutantCount: number;
  mutants: number[];
}
export type Outcome = 'killed' | 'survived' | 'timeout' | 'uncovered';
export type Report =
  | { kind: 'baseline'; baseline: Baseline }
  | { kind: 'ran' }
  | { kind: 'trying'; mutant: number }
  | { kind: 'tried'; mutant: number; outcome: Outcome; by: string }
  | { kind: 'tired' }
  | { kind: 'done' };

const NONE = -1,
  SEED = 20;
/** What a mutant may take before it counts as one that never ends. */
const TURNS_FACTOR = 10,
  TURNS_MORE = 200_000,
  MS_FACTOR = 5,
  MS_MORE = 10_000;
/** Simulations of whole days take longer: they would make each mutant that survives expensive, and find few. */
const LONGEST_MS = 400;
/** Each reload of modules stays in memory: after so many a new process goes on. */
const MOST_RELOADS = 400;

const scope = globalThis as unknown as { $mutant(id: number): boolean; $loop(): void };
let active = NONE,
  turns = 0,
  mostTurns = Infinity,
  generation = 0;
/** By mutant: 1 when it was reached since this was last emptied. */
let reached = new Uint8Array();
const takeReached = (): number[] => {
  const ids = [...reached.keys()].filter(id => reached[id] === 1);
  reached.fill(0);
  return ids;
};
scope.$mutant = id => {
  reached[id] = 1;
  return id === active;
};
scope.$loop = () => {
  if (++turns > mostTurns) throw new Error('A loop does not end.');
};

process.once('message', async (task: Task) => {
  await work(task);
  await close();
  process.disconnect();
  process.exit();
});
const say = (report: Report): Promise<void> =>
  new Promise((resolve, reject) =>
    process.send!(report, undefined, undefined, error => (error ? reject(error) : resolve())),
  );
/** What breaks beside a test breaks the test that runs. */
let interrupt: (error: unknown) => void = () => {};
process.on('uncaughtException', error => interrupt(error));
process.on('unhandledRejection', error => interrupt(error));

async function work({ root, sources, baseline: known, mutantCount, mutants }: Task): Promise<void> {
  hook(root, sources);
  fc.configureGlobal({ seed: SEED, endOnFailure: true });
  const testFiles = [...new Set(sources.flatMap(({ tests }) => tests))];
  const loaded = new Map<string, Case[]>();
  const load = (file: string): Promise<Case[]> =>
    collect(() => import(`${pathToFileURL(join(root, file)).href}?g=${generation}`));

  // What is reached while files load can only be tried by loading them again.
  reached = new Uint8Array(mutantCount);
  for (const file of testFiles) loaded.set(file, await load(file));
  if (!known) for (const tests of loaded.values()) for (const each of tests) await open(each);
  const baseline: Baseline = known ?? { tests: [], onLoad: takeReached(), broken: [] };
  if (!known) {
    for (const file of testFiles)
      for (const [index, each] of loaded.get(file)!.entries()) {
        const begun = process.cpuUsage();
        turns = 0;
        const error = await attempt(each, Infinity, 120_000);
        const { user, system } = process.cpuUsage(begun),
          ms = (user + system) / 1000,
          mutants = takeReached();
        await say({ kind: 'ran' });
        if (error) baseline.broken.push(`${file} › ${each.name}: ${inspect(error)}`);
        else if (mutants.length > 0 && ms <= LONGEST_MS)
          baseline.tests.push({ test: `${file} › ${each.name}`, file, index, mutants, turns, ms });
      }
    baseline.tests.sort((a, b) => a.ms - b.ms);
    await say({ kind: 'baseline', baseline });
  }

  const byMutant = new Map<number, Reach[]>();
  for (const each of baseline.tests)
    for (const id of each.mutants) byMutant.set(id, [...(byMutant.get(id) ?? []), each]);
  const loading = new Set(baseline.onLoad);
  const fileOf = (id: number): Task['sources'][number] => sources.findLast(({ first }) => first <= id)!;

  for (const id of mutants) {
    await say({ kind: 'trying', mutant: id });
    const { outcome, by } = loading.has(id) ? await tryLoading(id) : await tryWarm(id);
    await say({ kind: 'tried', mutant: id, outcome, by });
    // A test that never ended is still at work somewhere, and old modules stay.
    if (outcome === 'timeout' || generation > MOST_RELOADS) return say({ kind: 'tired' });
  }
  await say({ kind: 'done' });

  async function tryWarm(id: number): Promise<{ outcome: Outcome; by: string }> {
    const tests = byMutant.get(id) ?? [];
    if (tests.length === 0) return { outcome: 'uncovered', by: '' };
    for (const reach of tests) {
      let error = await judge(id, reach);
      if (!error) continue;
      if (error === LATE) return { outcome: 'timeout', by: reach.test };
      // An earlier fault may have left something behind that this test stumbles over: then all begins anew.
      if (await judge(NONE, reach)) {
        generation += 1;
        for (const file of testFiles) loaded.set(file, await load(file));
        error = await judge(id, reach);
        if (!error) continue;
        if (error === LATE) return { outcome: 'timeout', by: reach.test };
      }
      return { outcome: 'killed', by: reach.test };
    }
    return { outcome: 'survived', by: '' };
  }
  function judge(id: number, { file, index, turns: took, ms }: Reach): Promise<unknown> {
    active = id;
    turns = 0;
    return attempt(loaded.get(file)![index]!, took * TURNS_FACTOR + TURNS_MORE, ms * MS_FACTOR + MS_MORE).finally(
      () => (active = NONE),
    );
  }
  /** Loads the test files with the fault on from the beginning. */
  async function tryLoading(id: number): Promise<{ outcome: Outcome; by: string }> {
    const source = fileOf(id);
    const inside = new Set(
      baseline.tests.filter(({ mutants: of }) => of.some(each => fileOf(each) === source)).map(({ test }) => test),
    );
    const fresh = new Map<string, Case[]>();
    generation += 1;
    try {
      for (const reach of [
        ...baseline.tests.filter(({ test }) => inside.has(test)),
        ...baseline.tests.filter(({ test, file }) => !inside.has(test) && source.tests.includes(file)),
      ]) {
        active = id;
        turns = 0;
        mostTurns = 1e7;
        if (!fresh.has(reach.file)) fresh.set(reach.file, await load(reach.file));
        const error = await attempt(
          fresh.get(reach.file)![reach.index]!,
          reach.turns * TURNS_FACTOR + TURNS_MORE,
          reach.ms * MS_FACTOR + MS_MORE,
        );
        if (error) return { outcome: error === LATE ? 'timeout' : 'killed', by: reach.test };
      }
      return { outcome: 'survived', by: '' };
    } catch (error) {
      return { outcome: 'killed', by: `while loading: ${String(error)}` };
    } finally {
      active = NONE;
    }
  }
}

const LATE = new Error('The test does not end.');
/** What the test throws; `LATE` when it does not end; null when it passes. */
async function attempt(each: Case, turnsAtMost: number, msAtMost: number): Promise<unknown> {
  mostTurns = turnsAtMost;
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      runCase(each),
      new Promise((_, reject) => {
        interrupt = reject;
        timer = setTimeout(() => reject(LATE), msAtMost);
      }),
    ]);
    return null;
  } catch (error) {
    return error ?? new Error('thrown without a reason');
  } finally {
    interrupt = () => {};
    clearTimeout(timer);
    mostTurns = Infinity;
  }
}

/** Files of the project load as often as asked, by `?g=`, those under test with their mutants. */
function hook(root: string, sources: Task['sources']): void {
  const firsts = new Map(sources.map(({ file, first }) => [file, first])),
    texts = new Map<string, string>();
  registerHooks({
    resolve(specifier, context, next) {
      const from = context.parentURL ? relative(root, fileURLToPath(context.parentURL.split('?')[0]!)) : '';
      if (specifier === 'node:test' && !from.startsWith('scripts'))
        return { url: new URL('./harness.ts', import.meta.url).href, shortCircuit: true };
      const found = next(specifier, context);
      const counted = context.parentURL?.split('?g=')[1];
      if (counted === undefined || !found.url.startsWith('file:') || !found.url.endsWith('.ts')) return found;
      return found.url.includes('/node_modules/') || found.url.includes('/scripts/mutation/')
        ? found
        : { ...found, url: `${found.url}?g=${counted}` };
    },
    load(url, context, next) {
      if (!url.includes('?g=')) return next(url, context);
      const path = fileURLToPath(url.split('?')[0]!);
      let source = texts.get(path);
      if (source === undefined) {
        const text = readFileSync(path, 'utf8'),
          first = firsts.get(relative(root, path).replaceAll('\\', '/'));
        source = first === undefined ? stripTypeScriptTypes(text) : mutate(text, relative(root, path), first).code;
        texts.set(path, source);
      }
      return { format: 'module', source, shortCircuit: true };
    },
  });
}
