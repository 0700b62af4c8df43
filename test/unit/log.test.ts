import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openLog } from '../../daemon/telemetry/log.ts';

const NOW = Date.UTC(2026, 10, 22, 14);
const FILE = 'earshotd.log';
function within(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-log-'));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the daemon's log", () => {
  it('keeps records with their level, and shows them as people read them', () =>
    within(folder => {
      const { log, tail } = openLog(folder, () => NOW);
      log.info('serves');
      log.debug('not asked for');
      log.warn({ client: 3, why: 'does not read' }, 'client dropped');
      const error = new Error('it broke', { cause: new Error('the disk') });
      log.error(error, 'history');
      const lines = readFileSync(join(folder, FILE), 'utf8').trim().split('\n');
      assert.deepEqual(
        lines.map(line => (JSON.parse(line) as { level: string }).level),
        ['info', 'warn', 'error'],
      );
      const shown = tail(100);
      assert.deepEqual(shown.slice(0, 4), [
        '2026-11-22T14:00:00.000Z info  serves',
        '2026-11-22T14:00:00.000Z warn  client dropped client=3 why=does not read',
        '2026-11-22T14:00:00.000Z error history',
        '  Error: it broke',
      ]);
      assert.ok(
        shown.some(line => line.includes('caused by: Error: the disk')),
        'why it broke',
      );
      assert.ok(shown.every(line => !line.includes('\n')));
      assert.deepEqual(tail(2), shown.slice(-2));
    }));

  it('holds two files of 2 MB at most, and shows the older where the newer is short', () =>
    within(folder => {
      const { log, tail } = openLog(folder, () => NOW);
      const text = 'x'.repeat(10_000);
      for (let n = 0; n < 1_000; n++) log.info(`${n} ${text}`);
      for (const name of [FILE, `${FILE}.1`]) assert.ok(statSync(join(folder, name)).size <= 2 * 1024 * 1024, name);
      assert.deepEqual(
        tail(300).map(line => Number(line.split(' ').filter(Boolean)[2])),
        Array.from({ length: 300 }, (_, n) => 700 + n),
      );
      // Opened again, it goes on in the same file.
      openLog(folder, () => NOW).log.info('again');
      assert.match(tail(1)[0]!, / again$/);
      assert.ok(tail(2)[0]!.includes(' 999 '));
    }));

  it('shows lines that are no records as they are', () =>
    within(folder => {
      const { log, tail } = openLog(folder, () => NOW);
      appendFileSync(join(folder, FILE), '2025-01-01T00:00:00.000Z plain words\n{"level":"info","ti\n');
      log.info('whole');
      assert.deepEqual(tail(9), [
        '2025-01-01T00:00:00.000Z plain words',
        '{"level":"info","ti',
        '2026-11-22T14:00:00.000Z info  whole',
      ]);
    }));

  it('has the last record when the process dies at once, and never throws', () =>
    within(folder => {
      const module = new URL('../../daemon/telemetry/log.ts', import.meta.url).href;
      const program = `
        import { rmSync, writeFileSync } from 'node:fs';
        import { openLog } from ${JSON.stringify(module)};
        const { log } = openLog(${JSON.stringify(folder)}, Date.now);
        log.fatal(new Error('the end'), 'dying');
        process.kill(process.pid, 'SIGKILL');`;
      const { signal, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        encoding: 'utf8',
      });
      // Windows knows no signals, only what it ended with.
      assert.deepEqual([signal, status], process.platform === 'win32' ? [null, 1] : ['SIGKILL', null], stderr);
      assert.match(
        openLog(folder, () => NOW)
          .tail(99)
          .join('\n'),
        /fatal dying\n {2}Error: the end/,
      );
      const gone = join(folder, 'gone');
      const { log, tail } = openLog(gone, () => NOW);
      rmSync(gone, { recursive: true });
      log.info('nowhere');
      assert.deepEqual(tail(5), []);
    }));
});
