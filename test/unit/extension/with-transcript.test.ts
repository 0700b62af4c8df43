/** Which recordings of a folder have a transcript: by names alone. */
import assert from 'node:assert/strict';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import '../../fixtures/vscode.ts';
const { foldersOfSeveral, transcribedAmong } = await import('../../../extension/transcript/with-transcript.ts');

test('a transcript belongs to the recordings of its name, with or without their ending', () => {
  const names = [
    'talk.wav',
    'talk.mp4',
    'talk.md',
    'talk.earshot.json',
    'other.MP3',
    'other.MP3.earshot.json',
    'no.wav',
  ];
  assert.deepEqual(transcribedAmong(names), ['talk.wav', 'talk.mp4', 'other.MP3']);
  assert.deepEqual(transcribedAmong(['talk.wav', 'talk.srt']), []);
});

test('folders with several of them, and the folders around these, have them all; what lies outside has not', () => {
  const at = (...parts: string[]): string => join(sep, ...parts);
  assert.deepEqual(
    foldersOfSeveral(
      [at('w', 'a', '1.wav'), at('w', 'a', '2.wav'), at('w', 'b', '3.wav'), at('x', '4.wav'), at('x', '5.wav')],
      [at('w')],
    ),
    [at('w', 'a'), at('w')],
  );
  assert.deepEqual(foldersOfSeveral([at('1.wav'), at('2.wav')], [sep]), [sep]);
});
