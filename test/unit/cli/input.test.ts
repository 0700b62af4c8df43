import assert from 'node:assert/strict';
import { pbkdf2 } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize, relative } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { glossaryFor, readGlossary, rootOf } from '../../../client/folder-defaults.ts';
import { jobStates } from '../../../cli/options.ts';
import { recordings } from '../../../cli/recordings.ts';
import { isMedia } from '../../../schemas/media.ts';
import { environmentLocale, exitOf } from '../../../cli/session.ts';
import { parseFormats } from '../../../cli/transcribe.ts';
import { EarshotError, ERROR_CODES } from '../../../schemas/errors.ts';
import { packets } from '../../fixtures/packets.ts';

const code =
  (wanted: string, args: Record<string, unknown> = {}) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof EarshotError, String(error));
    assert.equal(error.failure.code, wanted);
    for (const [name, value] of Object.entries(args)) assert.equal(error.failure.args[name], value);
    return true;
  };

test('states of jobs, in either spelling of "canceled"', () => {
  for (const text of ['canceled', 'cancelled']) assert.deepEqual(jobStates(text, ['failed']), ['failed', 'cancelled']);
  assert.deepEqual(jobStates('loading'), ['loading']);
  assert.throws(() => jobStates('gone'), /pending, loading, .*, canceled\.$/);
});

test('a glossary in an encoding of its own is read; one that is not there, or no text, is refused', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'latin1.txt'), Buffer.from([0x63, 0x61, 0xf1, 0x61]));
  writeFileSync(join(folder, 'program.txt'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x02, 0x00, 0x00]));
  assert.equal((await readGlossary(join(folder, 'latin1.txt')))[0]!.term, 'caña');
  await assert.rejects(readGlossary(join(folder, 'none.txt')), code('badGlossary'));
  await assert.rejects(readGlossary(join(folder, 'program.txt')), code('notText'));
});

test('glossaries of the folders above a recording, nearest first, up to where one works', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of [
    ['.earshot/glossary.md', '- Outside'],
    ['work/.earshot/glossary.md', '- Asterisk = asterisco\n- Digium'],
    ['work/calls/.earshot/glossary.csv', 'term,translation\nasterisk,estrella\n'],
    ['work/calls/a.wav', ''],
  ] as const) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const recording = join(folder, 'work/calls/a.wav');
  const { entries, read } = await glossaryFor(recording, join(folder, 'work'), [{ term: 'Named' }]);
  assert.deepEqual(entries, [{ term: 'Named' }, { term: 'asterisk', translation: 'estrella' }, { term: 'Digium' }]);
  assert.deepEqual(
    read.map(path => relative(folder, path)),
    ['work/calls/.earshot/glossary.csv', 'work/.earshot/glossary.md'].map(normalize),
  );
  // From elsewhere: the project that the recording belongs to.
  assert.equal(rootOf(recording, join(folder, 'other')), join(folder, 'work/calls'));
});

test('a glossary that goes while it is looked for is none; one that cannot be read is said', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-')),
    path = join(folder, '.earshot/glossary.md');
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, '.earshot'));
  writeFileSync(path, '- Digium');
  // Everybody who could open a file is busy: it goes before it is opened.
  const busy = Array.from({ length: 4 }, () => promisify(pbkdf2)('x', 'y', 200_000, 64, 'sha512'));
  const reading = glossaryFor(join(folder, 'a.wav'), folder, [{ term: 'Named' }]);
  rmSync(path);
  assert.deepEqual(await reading, { entries: [{ term: 'Named' }], read: [] });
  await Promise.all(busy);
  mkdirSync(path);
  await assert.rejects(glossaryFor(join(folder, 'a.wav'), folder, []), code('badGlossary', { path }));
});

test('files as they are named, folders looked through, each once', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const path of [
    'a/part10.wav',
    'a/part9.WAV',
    'a/notes.txt',
    'a/.hidden.wav',
    'a/deep/x.mkv',
    'a/memo.qta',
    'a/app.ts',
    'b/main.mts',
  ]) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), 'x');
  }
  writeFileSync(join(folder, 'a/broadcast.ts'), packets(188));
  symlinkSync(join(folder, 'a'), join(folder, 'a/loop'));
  const found = await recordings(['a/notes.txt', 'a', 'a/part9.WAV', 'missing.wav'], folder);
  assert.deepEqual(
    found.map(path => relative(folder, path).replaceAll('\\', '/')),
    ['a/notes.txt', 'a/broadcast.ts', 'a/deep/x.mkv', 'a/memo.qta', 'a/part9.WAV', 'a/part10.wav', 'missing.wav'],
  );
  await assert.rejects(recordings(['b'], folder), code('noRecordings', { path: join(folder, 'b') }));
  assert.ok(isMedia('x.OPUS') && !isMedia('x.txt') && !isMedia('wav'));
});

test('formats', () => {
  assert.deepEqual(parseFormats('txt, SRT,txt'), ['txt', 'srt']);
  assert.equal(parseFormats(undefined), undefined);
  assert.throws(() => parseFormats('txt,doc'), code('badRequest'));
});

test('the language of the environment, as every program reads it', () => {
  assert.equal(environmentLocale({ LANG: 'zh_CN.UTF-8' }), 'zh-cn');
  assert.equal(environmentLocale({ LANG: 'zh_CN.UTF-8', LC_ALL: 'C' }), 'en');
  assert.equal(environmentLocale({ LANG: 'en_US.UTF-8', LC_MESSAGES: 'zh_CN.UTF-8' }), 'zh-cn');
});

test('exit codes', () => {
  assert.deepEqual(
    ['unknownModel', 'noSuchFile', 'daemonUnreachable', 'engineFailed'].map(each => exitOf(each as never)),
    [2, 4, 3, 1],
  );
  for (const each of ERROR_CODES) assert.ok(exitOf(each) >= 1 && exitOf(each) <= 4);
});
