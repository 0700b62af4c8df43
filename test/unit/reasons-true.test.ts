/** A reason that is the reason: paths, languages, and files that are something else. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, normalize, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';
import { pino } from 'pino';
import { readGlossary } from '../../client/folder-defaults.ts';
import { fileNamed, pathOf, recordings } from '../../cli/recordings.ts';
import { contentOf, explained } from '../../daemon/ingest/content.ts';
import { explained as whereItFailed } from '../../daemon/outputs/deliver.ts';
import { openSettings } from '../../daemon/system/settings-file.ts';
import { checkFullPath } from '../../daemon/system/full-path.ts';
import { EarshotError, failure, type Failure, BAD_REQUESTS, badRequest } from '../../schemas/errors.ts';
import { checkLanguage, languageOf } from '../../client/languages.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { sentence } from '../../text/messages/messages.ts';

const caught = (work: () => unknown): Failure | null => {
  try {
    work();
    return null;
  } catch (error) {
    return (error as EarshotError).failure;
  }
};

test('only a path that is relative is called so', () => {
  const code = (path: string, platform: NodeJS.Platform = 'linux') => caught(() => checkFullPath(path, platform))?.code;
  assert.equal(code('/r/talk.wav'), undefined);
  assert.equal(code('talk.wav'), 'badRequest');
  assert.equal(code('~/talk.wav'), 'badRequest');
  assert.equal(code('C:\\r\\talk.wav'), 'foreignPath');
  assert.equal(code('c:/r/talk.wav'), 'foreignPath');
  assert.equal(code('\\\\server\\r\\talk.wav'), 'foreignPath');
  assert.equal(code('https://example.org/talk.wav'), 'notOnDisk');
  assert.equal(code('vscode-vfs://github/talk.wav'), 'notOnDisk');
  const relative = caught(() => checkFullPath('talk.wav'))!;
  assert.equal(sentence(relative, 'en'), 'A full path is needed, not talk.wav.');
});

test('what stands on the command line: addresses of files, the home folder, and addresses of the network', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  assert.equal(pathOf(pathToFileURL('/r/a talk.wav').href), resolve('/r/a talk.wav'));
  assert.equal(pathOf('~/talk.wav', folder, '/home/me'), normalize('/home/me/talk.wav'));
  assert.equal(pathOf('C:\\talk.wav', folder), 'C:\\talk.wav');
  // What there is by that name goes before.
  for (const odd of ['~', 'https:']) mkdirSync(join(folder, odd));
  writeFileSync(join(folder, '~/talk.wav'), '');
  assert.deepEqual(await recordings(['~/talk.wav'], folder), [join(folder, '~/talk.wav')]);
  await assert.rejects(recordings(['https://me:secret@x.org/talk'], folder), (error: EarshotError) => {
    assert.match(sentence(error.failure, 'en'), /^https:\/\/x\.org\/talk is an address on the network/);
    return error.failure.code === 'notOnDisk';
  });
});

test('a path with blanks around it, and addresses of files as people and programs write them', t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const address = (name: string): string => `${pathToFileURL(folder).href}/${name}`,
    named = (given: string): string => fileNamed(given, folder, folder);
  for (const name of ['100% sure.wav', 'a#1.wav', 'talk.wav', ' blank.wav']) writeFileSync(join(folder, name), '');
  for (const [given, name] of [
    [address('100%25%20sure.wav'), '100% sure.wav'],
    [address('100% sure.wav'), '100% sure.wav'],
    [address('50%ZZ.wav'), '50%ZZ.wav'],
    [address('a%231.wav'), 'a#1.wav'],
    [address('a#1.wav'), 'a#1.wav'],
    [address('talk.wav#t=90'), 'talk.wav'],
    [` ${address('talk.wav')}\n`, 'talk.wav'],
    [' talk.wav ', 'talk.wav'],
    [' blank.wav', ' blank.wav'],
    [`  ${join(folder, 'talk.wav')} `, 'talk.wav'],
    ['~/talk.wav ', 'talk.wav'],
    ['none.wav ', 'none.wav'],
  ] as const)
    assert.equal(named(given), join(folder, name), given);
  const why = (given: string): string => {
    const failure = caught(() => named(given))!;
    assert.equal(failure.code, 'notOnDisk', given);
    return sentence(failure, 'en');
  };
  assert.match(why('file:///a%2fb.wav'), /not the address of a file/);
  assert.match(why('file:///a%E9.wav'), /not the address of a file/);
  if (process.platform !== 'win32') assert.match(why('file://elsewhere/a.wav'), /not the address of a file/);
  assert.match(why('ftp://me:secret@x.org/a.wav'), /^ftp:\/\/x\.org\/a\.wav is an address on the network/);
  assert.match(why('s3://bucket/a.wav'), /on the network/);
  assert.match(why('vscode-vfs://github/a.wav'), /virtual workspace/);
});

test('a language that there is none of says what was meant', () => {
  for (const tag of ['en', 'zh', 'pt-BR', 'yue', 'haw'])
    assert.equal(
      caught(() => checkLanguage(tag)),
      null,
      tag,
    );
  assert.equal(languageOf('pt_br'), 'pt-BR');
  assert.equal(languageOf('EN'), 'en');
  for (const [tag, code] of [
    ['english', 'en'],
    ['Deutsch', 'de'],
    ['中文', 'zh'],
    ['jp', 'ja'],
  ] as const)
    assert.deepEqual(
      caught(() => languageOf(tag)),
      failure('unknownLanguage', { language: tag, code }),
    );
  const nothing = caught(() => checkLanguage('xx'))!;
  assert.match(sentence(nothing, 'en'), /^“xx” is not a language that Earshot knows\. Use a code such as en/);
  assert.match(sentence(nothing, 'zh-cn'), /xx/);
});

test('what a file is instead of a recording', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const table: [content: string | Buffer, is: string | null][] = [
    ['<!DOCTYPE html><html><title>404</title>', 'page'],
    ['<?xml version="1.0"?>\n<!DOCTYPE html>', 'page'],
    ['[InternetShortcut]\r\nURL=https://x.org/talk.mp3\r\n', 'address'],
    ['#EXTM3U\n#EXTINF:1\nhttps://x.org/talk.mp3\n', 'address'],
    ['https://x.org/talk.mp3\n', 'address'],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n', 'gitLfs'],
    ['caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20', 'recording'],
    ['Notes of a talk about https://x.org\n', 'text'],
    [Buffer.from('\ufeffNotes', 'utf16le'), 'text'],
    ['PK\x03\x04rest', 'archive'],
    ['%PDF-1.7', 'document'],
    ['\xff\xd8\xff\xe0', 'picture'],
    ['\0\0\0\x18ftypheic', 'picture'],
    ['MThd\0\0\0\x06', 'notes'],
    [Buffer.alloc(1000), 'zeros'],
    ['\x01\x02\x00\xfe\xca', null],
  ];
  for (const [content, is] of table) {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
    assert.equal(contentOf(bytes), is, bytes.toString('latin1').slice(0, 30));
    if (is === null) continue;
    const path = join(folder, 'talk.mp3');
    writeFileSync(path, bytes);
    const file = await open(path),
      reported = await explained(failure('notMedia', { path }, 'ffmpeg said so'), file);
    await file.close();
    assert.deepEqual(reported, failure('notMedia', { path, content: is }, 'ffmpeg said so'));
    for (const locale of ['en', 'zh-cn'] as const)
      assert.notEqual(sentence(reported, locale), sentence(failure('notMedia', { path }), locale), is);
  }
});

test('a glossary that is not there, and one that nobody may read, are not called badly written', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await assert.rejects(readGlossary(join(folder, 'none.md')), failsWith('badGlossary', { missing: 1 }));
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(readGlossary(join(folder, 'file', 'none.md')), failsWith('badGlossary', { missing: 1 }));
  await assert.rejects(readGlossary(folder), failsWith('badGlossary'));
});

test('a setting says what it takes in words', t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const settings = openSettings(join(folder, 'settings.json'), pino({ level: 'silent' }));
  const allowed = (name: string, value: unknown): unknown => caught(() => settings.set({ [name]: value }))?.args.range;
  assert.equal(allowed('hubUrl', 'ftp://x'), '"http://…" | "https://…"');
  assert.equal(allowed('sandbox', 'maybe'), 'auto | off');
  assert.equal(allowed('watchAhead', 0), '1 … 10000');
  assert.equal(allowed('modelFolders', 'x'), '["…", …]');
  assert.match(
    String(allowed('server', { url: 'x' })),
    /^\{"url": "http:\/\/…" \| "https:\/\/…", "key": "…" \| null, /,
  );
});

test('an output folder that cannot be one is no internal error', () => {
  for (const code of ['EEXIST', 'ENOTDIR', 'ENAMETOOLONG', 'EACCES'])
    assert.equal(
      (whereItFailed(Object.assign(new Error(code), { code }), '/r') as EarshotError).failure?.code,
      'outputNotWritable',
      code,
    );
});

test('why a request is not valid is said in both languages', () => {
  for (const why of BAD_REQUESTS) {
    const { failure: bad } = badRequest('--field', why, 'txt, md');
    assert.match(sentence(bad, 'en'), /^--field is not valid: .+\.$/s, why);
    assert.match(sentence(bad, 'zh-cn'), /^--field 无效：.+。$/s, why);
    assert.doesNotMatch(sentence(bad, 'en') + sentence(bad, 'zh-cn'), /\{list\}/, why);
  }
  const { failure: list } = badRequest('--format doc', 'oneOf', '$& txt, md');
  assert.equal(sentence(list, 'zh-cn'), '--format doc 无效：可选值：$& txt, md。');
});
