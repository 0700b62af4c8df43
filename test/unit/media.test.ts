/** What a recording is has one list. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { beginsLikeRecording, isNamedRecording, isRecordingFile } from '../../client/recording-content.ts';
import { isMedia, maybeMedia, MEDIA_EXTENSIONS, MEDIA_WHEN, SHARED_EXTENSIONS } from '../../schemas/media.ts';
import { packets } from '../fixtures/packets.ts';

test('the menus of the editor are for the recordings of the list, no more and no fewer', () => {
  const { contributes } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    contributes: Record<string, unknown>;
  };
  const clauses = [...JSON.stringify(contributes).matchAll(/resourceExtname =~ \/(?:[^/\\]|\\.)*\/i/g)]
    .map(([clause]) => JSON.parse(`"${clause}"`) as string)
    .filter(clause => /\b(mp3|flac|mp4|ts)\b/.test(clause));
  assert.ok(clauses.length >= 5, `${clauses.length} menus`);
  for (const clause of clauses) assert.equal(clause, MEDIA_WHEN);
});

test('a name says what it is, whatever its case', () => {
  for (const extension of MEDIA_EXTENSIONS) assert.ok(isMedia(`/r/A.${extension.toUpperCase()}`), extension);
  for (const other of ['/r/mp3', '/r/.mp3', '/r/a.txt', '/r/a.mp3.part']) assert.ok(!isMedia(other), other);
});

test('what phones, cameras, dictating machines and the web write are recordings by their names', () => {
  const written = 'qta mp2 3g2 3ga weba mxf caf amr awb opus m2ts mpga aifc f4v w64 tta dss asf spx m4b vob qt';
  for (const extension of written.split(' ')) assert.ok(isMedia(`memo.${extension}`), extension);
  for (const protectedOne of ['m4p', 'aax', 'aaxc']) assert.ok(isMedia(`book.${protectedOne}`), protectedOne);
});

test('a name that programs have too belongs to no menu, and is no recording by itself', () => {
  for (const extension of SHARED_EXTENSIONS) {
    assert.ok(maybeMedia(`a.${extension.toUpperCase()}`) && !isMedia(`a.${extension}`), extension);
    assert.ok(!new RegExp(`[(|]${extension}[|)]`).test(MEDIA_WHEN), extension);
  }
});

test('where a name leaves it open, the first bytes decide', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  // As long as a packet, so that a letter of the mark comes where the mark would.
  const program = `G${' '.repeat(187)}`.repeat(30);
  const files: [name: string, content: string | Uint8Array, isRecording: boolean][] = [
    ['app.ts', 'export const answer = 42;\n', false],
    ['wide.ts', program, false],
    ['empty.ts', '', false],
    ['module.mts', 'export {};\n', false],
    ['go.mod', 'module example.org/talk\n\ngo 1.25\n', false],
    ['board.dts', '/dts-v1/;\n/ { };\n', false],
    ['broadcast.ts', packets(188), true],
    ['recorded later.ts', packets(188).subarray(100), true],
    ['camera.MTS', packets(192, 4), true],
    ['checked.ts', packets(204), true],
    ['camera.mod', '\0\0\x01\xba\x44\0\x04\0', true],
    ['old.rm', '.RMF\0\0\0\x12', true],
    ['disc.dat', 'RIFF\0\0\0\0CDXAfmt ', true],
    ['corpus.sph', 'NIST_1A\n   1024\n', true],
  ];
  for (const [name, content, isRecording] of files) {
    const path = join(folder, name);
    writeFileSync(path, typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
    assert.equal(await isRecordingFile(path), isRecording, name);
  }
  assert.ok(!(await isRecordingFile(join(folder, 'not there.ts'))));
});

test('a file that is named is one by its content too, whatever it is called', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const mp3 = Buffer.alloc(417 * 4); // 128 kbit/s at 44.1 kHz
  for (let at = 0; at < mp3.length; at += 417) mp3.set([0xff, 0xfb, 0x90, 0x00], at);
  for (const [name, content, isRecording] of [
    ['download', mp3, true],
    ['voice message.bin', 'OggS\0\x02', true],
    ['film.txt', '\0\0\0\x18ftypisom', true],
    ['photo', '\0\0\0\x18ftypheic', false],
    ['notes', 'Notes of the meeting\n', false],
    ['photo.jpg', '\xff\xd8\xff\xe0\0\x10JFIF', false],
    ['wide text', '\xff\xfeG\0o\0o\0d\0', false],
    ['picture', 'RIFF\0\0\0\0WEBPVP8 ', false],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(path, typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
    assert.equal(await isNamedRecording(path), isRecording, name);
    assert.ok(!(await isRecordingFile(path)), `${name} in a folder`);
  }
  assert.ok(!beginsLikeRecording(new Uint8Array()));
});
