/**
 * `npm run bench:search`: what it costs to find words among 100,000 utterances, and to keep them findable; a section of
 * docs/scale.md.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ulid } from '../../daemon/system/ids.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import type { SearchQuery } from '../../schemas/search.ts';
import { row } from '../../test/contract/store.ts';
import { Random } from '../../test/sim/random.ts';
import { machine, ms, three, timed, type Spread } from './spread.ts';
import { wrapped } from '../wrap.ts';

const JOBS_OF = 100,
  WORDS = 20,
  CHARACTERS = 40,
  VOCABULARY = 20_000,
  HAN = 4_000;
export const GOAL_MS = 50;

/** Zipf's law, as words have it: the n-th most common comes up 1 / n as often as the first. */
function zipf(next: Random, size: number): () => number {
  const sums: number[] = [];
  for (let i = 0, sum = 0; i < size; i++) sums.push((sum += 1 / (i + 1)));
  return () => {
    const at = (next.integer(0, 1e9) / 1e9) * sums.at(-1)!;
    let low = 0,
      high = size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
const word = (n: number): string =>
  `w${(n + 26).toString(26).replace(/./g, digit => String.fromCharCode(97 + parseInt(digit, 26)))}`;
const han = (n: number): string => String.fromCharCode(0x4e00 + n);

export interface SearchReport {
  utterances: number;
  finishUs: number;
  indexUs: number;
  openMs: number;
  bytes: number;
  queries: { what: string; found: number; took: Spread }[];
}

/** Two of three utterances in English words, one in Chinese. */
export function searching(utterances: number, times = 30): SearchReport {
  const directory = mkdtempSync(join(tmpdir(), 'earshot-search-')),
    path = join(directory, 'earshot.db');
  let store = openStore(path);
  try {
    const next = new Random(7),
      english = zipf(next, VOCABULARY),
      chinese = zipf(next, HAN);
    /** Two rare words at the border of two utterances, and the rarest of all, are said for certain. */
    const APART = [word(900), word(1_100)] as const,
      RAREST = word(12_000);
    const plain = (i: number): string =>
      i % 3
        ? Array.from({ length: WORDS }, () => word(english())).join(' ')
        : Array.from({ length: CHARACTERS }, () => han(chinese())).join('');
    const text = (i: number): string =>
      i === 1
        ? `${plain(i)} ${APART[0]}`
        : i === 2
          ? `${APART[1]} ${plain(i)}`
          : i === 4
            ? `${plain(i)} ${RAREST} ${word(0)}`
            : plain(i);
    let finishing = 0,
      once = '';
    for (let n = 0; n < utterances; n += JOBS_OF) {
      const job = row({
        id: ulid(1_000 + n),
        stages: ['asr'],
        path: `/recordings/${n}/talk.wav`,
        language: n % 300 ? 'en' : 'de',
        state: 'processing',
      });
      store.batch(() => {
        store.submit([job]);
        store.addUtterances(
          job.id,
          Array.from({ length: JOBS_OF }, (_, index) => ({ index, startMs: index * 1000, endMs: index * 1000 + 900 })),
        );
        const { token } = store.claim({ job: job.id, stage: 'asr', from: 0, to: JOBS_OF, instance: 'i', at: 1 });
        const outputs = Array.from({ length: JOBS_OF }, (_, index) => ({
          text: text(n + index),
          words: [],
          language: 'en',
          languageProbability: 1,
        }));
        once ||= outputs[0]!.text; // the first is in Chinese
        const began = performance.now();
        for (const [index, output] of outputs.entries()) store.finish(token, index, output, 2);
        finishing += performance.now() - began;
        store.close(token, 2);
        store.update(job.id, { state: 'completed', finishedAt: 3 });
      });
    }
    const began = performance.now();
    while (store.indexSome(100) > 0);
    const indexing = performance.now() - began;
    store.dispose();
    const opening = performance.now();
    store = openStore(path);
    const openMs = performance.now() - opening;
    const db = new Database(path, { readonly: true });
    const bytes = db.prepare('SELECT sum(length(block)) FROM said_data').pluck().get() as number;
    db.close();
    const ask = (what: string, query: SearchQuery) => {
      const find = () => store.find(query, { limit: 50, cursor: 0 });
      return { what, found: find().total, took: timed(times, 2, find) };
    };
    const queries = [
      ask('a rare word', { words: word(3_000) }),
      ask('a word of every hundredth', { words: word(150) }),
      ask('the most common word', { words: word(0) }),
      ask('three common words', { words: `${word(0)} ${word(1)} ${word(2)}` }),
      ask('two rare words, seldom in one utterance', { words: APART.join(' ') }),
      ask('a rare word and the most common one', { words: `${RAREST} ${word(0)}` }),
      ask('a phrase of two', { words: `"${word(0)} ${word(1)}"` }),
      ask('a beginning of two letters', { words: `${word(0).slice(0, 2)}*` }),
      ask('one Chinese character, the most common', { words: han(0) }),
      ask('two Chinese characters', { words: han(3) + han(10) }),
      ask('four Chinese characters', { words: once.slice(10, 14) }),
      ask('the most common word, in German', { words: word(0), language: 'de' }),
      ask('the most common word, in one path', { words: word(0), path: '/500/' }),
    ];
    return {
      utterances,
      finishUs: (finishing / utterances) * 1000,
      indexUs: (indexing / utterances) * 1000,
      openMs,
      bytes,
      queries,
    };
  } finally {
    store.dispose();
    rmSync(directory, { recursive: true });
  }
}

/** The section of docs/scale.md that this script writes. */
export const HEADING = '## Search\n';

const section = (report: SearchReport): string => `${HEADING}
Made by \`npm run bench:search\` on ${machine()}. ${report.utterances.toLocaleString('en')} utterances of ${WORDS}
English words or ${CHARACTERS} Chinese characters each, distributed by Zipf's law. Times in ms: median / 99th
percentile / worst, for a page of 50 with its marks. The goal is ${GOAL_MS} ms. Matches are counted up to 2,000, and
the newest of these are
ranked. If fewer than 200 utterances contain all the words, those that contain them together with the next utterance
count too; a "phrase" is always within one.

| looked for | found | ms |
| --- | ---: | ---: |
${report.queries.map(each => `| ${each.what} | ${each.found.toLocaleString('en')} | ${three(each.took)} |`).join('\n')}

Indexing an utterance costs ${(report.indexUs / 1000).toFixed(3)} ms, in chunks of 100 between the steps; a step
itself only marks its job.
The index takes ${(report.bytes / report.utterances).toFixed(0)} bytes per utterance. Opening the database with
its check takes ${ms(report.openMs)} ms.
`;

if (import.meta.main) {
  const report = searching(100_000);
  console.log(JSON.stringify(report));
  const path = join(import.meta.dirname, '..', '..', 'docs', 'scale.md');
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  writeFileSync(path, `${before.split(`\n${HEADING}`)[0]!.trimEnd()}\n\n${wrapped(section(report))}`);
}
