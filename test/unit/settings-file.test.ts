/** The settings file: what is read, what is written, and what an earlier version wrote. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pino } from 'pino';
import { openSettings, type SettingsFile } from '../../daemon/system/settings-file.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { failsWith } from '../fixtures/fails-with.ts';

interface Place {
  path: string;
  open(): SettingsFile;
  /** What stands in the file. */
  written(): unknown;
}

function place(t: TestContext, text?: string): Place {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-settings-')),
    path = join(folder, 'settings.json');
  t.after(() => rmSync(folder, { recursive: true }));
  if (text !== undefined) writeFileSync(path, text);
  return {
    path,
    open: () => openSettings(path, pino({ level: 'silent' })),
    written: () => JSON.parse(readFileSync(path, 'utf8')) as unknown,
  };
}

test('only what differs from the defaults is written, and is there again', t => {
  const at = place(t);
  at.open().set({ watchSettleSeconds: 7, watchAhead: 3 });
  assert.deepEqual(at.written(), { watchSettleSeconds: 7, watchAhead: 3 });
  at.open().set({ watchAhead: null });
  assert.deepEqual(at.written(), { watchSettleSeconds: 7 });
  assert.deepEqual(at.open().get(), { ...DEFAULTS, watchSettleSeconds: 7 });
});

test('all or nothing, and an unknown name is refused', t => {
  const at = place(t),
    settings = at.open();
  assert.throws(() => settings.set({ watchAhead: 3, watchSettleSeconds: 0 }), failsWith('settingRange'));
  assert.throws(() => settings.set({ watchQuietSeconds: 5 }), failsWith('unknownSetting'));
  assert.deepEqual(settings.get(), DEFAULTS);
  assert.equal(existsSync(at.path), false);
});

test('a file of 0.1.0 keeps its values, and is written under the present names', t => {
  const at = place(t, '{\n  "watchQuietSeconds": 10,\n  "watchAhead": 3\n}\n'),
    settings = at.open();
  assert.deepEqual(settings.get(), { ...DEFAULTS, watchSettleSeconds: 10, watchAhead: 3 });
  settings.set({ watchAhead: 4 });
  assert.deepEqual(at.written(), { watchSettleSeconds: 10, watchAhead: 4 });
});

test('where a file has both names, the present one holds, whatever the order', t => {
  for (const text of [
    '{"watchQuietSeconds": 10, "watchSettleSeconds": 2}',
    '{"watchSettleSeconds": 2, "watchQuietSeconds": 10}',
  ])
    assert.equal(place(t, text).open().get().watchSettleSeconds, 2, text);
});

test('a file that cannot be read is set aside', t => {
  for (const text of ['{', '[]x', '{"watchQuietSeconds": "soon"}', 'null']) {
    const at = place(t, text);
    assert.deepEqual(at.open().get(), DEFAULTS, text);
    assert.equal(readFileSync(`${at.path}.bad`, 'utf8'), text);
    assert.equal(existsSync(at.path), false);
  }
});
