/** Tests of every platform, on Windows' Node under Wine; only in `npm run test:wine`, because they take minutes. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { missing, prepare, Windows } from './place.ts';

const TEST = join(import.meta.dirname, '..'),
  AT_ONCE = 12;

const FLEET = 'PostgreSQL comes for Linux here';
/** What is not about a platform, or needs a program that is only there for Linux. */
const LEFT_OUT: Record<string, string> = {
  'daemon/arrivals.test.ts': 'a long run, of the scheduler alone',
  'daemon/chaos.test.ts': 'a long run; windows.test.ts kills a daemon and goes on',
  'daemon/fleet.test.ts': FLEET,
  'daemon/fleet-host.test.ts': FLEET,
  'daemon/fleet-queue.test.ts': FLEET,
  'daemon/leaving.test.ts': 'signals of POSIX; windows.test.ts starts, stops and kills a daemon',
  'daemon/listen.test.ts': 'Ctrl-C is a signal of POSIX; its other four pass',
  'daemon/live-daemon.test.ts': 'two pass; in the third the daemon is out of reach, not known why',
  'daemon/python-worker.test.ts': 'Windows’ Python cannot be had here',
  'daemon/resume.test.ts': 'models from a hub; windows.test.ts kills a daemon and goes on',
  'daemon/runtimes.test.ts': 'Windows’ Python cannot be had here',
  'unit/docs.test.ts': 'about the files of the tree, which are the same',
  'unit/l10n.test.ts': 'about the files of the tree, which are the same',
  'unit/lint.test.ts': 'oxlint is there for Linux',
  'unit/reference.test.ts': 'about the files of the tree, which are the same',
};

const files = globSync(['unit/**/*.test.ts', 'contract/*.test.ts', 'daemon/*.test.ts'], { cwd: TEST })
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
