/** Tests of every platform, on Windows' Node under Wine; only in `npm run test:wine`, because they take minutes. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { missing, prepare, Windows } from './place.ts';

const TEST = join(import.meta.dirname, '..'),
  AT_ONCE = 12;

/** What is not about a platform, or needs a program that is only there for Linux. */
const LEFT_OUT: Record<string, string> = {
  'unit/docs.test.ts': 'about the files of the tree, which are the same',
  'unit/l10n.test.ts': 'about the files of the tree, which are the same',
  'unit/lint.test.ts': 'oxlint is there for Linux',
  'unit/reference.test.ts': 'about the files of the tree, which are the same',
};

const files = globSync(
  [
    'unit/**/*.test.ts',
    'contract/*.test.ts',
    'daemon/{cli,http,outputs,pipeline,queue,server,start,subtitles,watch,worker}.test.ts',
  ],
  { cwd: TEST },
)
  .filter(file => !LEFT_OUT[file])
  .sort();

describe(
  'the tests of every platform, under Wine',
  { skip: missing ?? (process.env.EARSHOT_WINE === 'whole' ? false : 'only in `npm run test:wine`') },
  () => {
    let windows: Windows;
    before(async () => {
      await prepare(text => console.log(`  ${text}`));
      windows = new Windows();
    });
    after(() => windows.close());

    for (const [file, why] of Object.entries(LEFT_OUT)) test(file, { skip: why });

    for (let from = 0; from < files.length; from += AT_ONCE) {
      const group = files.slice(from, from + AT_ONCE);
      test(group.join(', '), async t => {
        const { code, out } = await windows.node([
          ...['--test', '--test-concurrency=2', '--test-timeout=180000', '--test-reporter=spec'],
          ...group.map(file => windows.module(`test/${file}`)),
        ]);
        for (const [, skipped] of out.matchAll(/﹣ (.+)/g)) t.diagnostic(skipped!);
        assert.equal(code, 0, out.slice(out.indexOf('failing tests')));
        assert.match(out, /pass [1-9]/);
      });
    }
  },
);
