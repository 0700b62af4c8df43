/** Tests of every platform, on Windows' Node under Wine; only in `npm run test:wine`, because they take minutes. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { missing, prepare, Windows } from './place.ts';

const TEST = join(import.meta.dirname, '..'),
  AT_ONCE = 2;

const FLEET = 'PostgreSQL comes for Linux here';
/** What is not about a platform, or needs a program that is only there for Linux. */
const LEFT_OUT: Record<string, string> = {
  'daemon/arrivals.test.ts': 'a long run, of the scheduler alone',
  'daemon/chaos.test.ts': 'a long run; windows.test.ts kills a daemon and goes on',
  'daemon/fleet.test.ts': FLEET,
  'daemon/fleet-host.test.ts': FLEET,
  'daemon/fleet-queue.test.ts': FLEET,
  'daemon/python-worker.test.ts': 'Windows’ Python cannot be had here',
  'unit/docs.test.ts': 'about the files of the tree, which are the same',
  'unit/l10n.test.ts': 'about the files of the tree, which are the same',
  'unit/lint.test.ts': 'oxlint is there for Linux',
  'unit/reference.test.ts': 'about the files of the tree, which are the same',
};

const words = (process.env.EARSHOT_WINE_WORDS ?? '').split(' ').filter(Boolean),
  isWanted = (file: string): boolean => words.length === 0 || words.some(word => file.includes(word));
const files = globSync(['unit/**/*.test.ts', 'contract/*.test.ts', 'daemon/*.test.ts'], { cwd: TEST })
  .filter(file => !LEFT_OUT[file] && isWanted(file))
  .sort();

describe(
  'the tests of every platform, under Wine',
  { skip: missing ?? (process.env.EARSHOT_WINE === 'whole' ? false : 'only in `npm run test:wine`') },
  () => {
    let windows: Windows;
    const begun = Date.now(),
      count = { pass: 0, fail: 0, skipped: 0 },
      again: string[] = [];
    before(async () => {
      await prepare(text => console.log(`  ${text}`));
      windows = new Windows();
    });
    after(async () => {
      const { pass, fail, skipped } = count,
        minutes = Math.round((Date.now() - begun) / 60_000);
      console.log(`  under Wine: ${pass} passed, ${fail} failed, ${skipped} skipped, ${minutes} min`);
      await windows.close();
    });

    /** Null when it went well, else what it said. */
    async function failureOf(file: string): Promise<string | null> {
      const patience = `file:///${windows.module('test/wine/there/patience.ts').replaceAll('\\', '/')}`,
        args = ['--import', patience, '--test-reporter=spec', windows.module(`test/${file}`)],
        { code, out } = await windows.node(args);
      const number = (what: string): number => Number(new RegExp(`^ℹ ${what} (\\d+)$`, 'm').exec(out)?.[1] ?? 0),
        // Whole groups that are left out are counted nowhere.
        isWell = code === 0 && (number('pass') + number('skipped') > 0 || out.includes('﹣ '));
      if (isWell) for (const what of ['pass', 'skipped'] as const) count[what] += number(what);
      const outcome = isWell
        ? `${number('pass')} passed${number('skipped') > 0 ? `, ${number('skipped')} skipped` : ''}`
        : 'not well';
      console.log(`  ${file}: ${outcome}`);
      return isWell ? null : out.slice(Math.max(0, out.indexOf('failing tests')));
    }

    for (const [file, why] of Object.entries(LEFT_OUT)) if (isWanted(file)) test(file, { skip: why });

    describe('each file', { concurrency: AT_ONCE }, () => {
      for (const file of files)
        test(file, async t => {
          const failure = await failureOf(file);
          if (failure === null) return;
          t.diagnostic('not well beside another: once more below');
          again.push(file);
        });
    });

    // Their bounds are of Linux, and Wine on a busy machine is many times as slow.
    test('those that did not go well beside another, each by itself', async t => {
      const failed: string[] = [];
      for (const file of again) {
        const failure = await failureOf(file);
        if (failure === null) t.diagnostic(`${file}: well by itself`);
        else failed.push(`${file}\n${failure}`);
      }
      count.fail = failed.length;
      assert.equal(failed.length, 0, failed.join('\n\n'));
    });
  },
);
