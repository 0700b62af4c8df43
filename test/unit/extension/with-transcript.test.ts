/** Which recordings of a folder have a transcript: by names alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../fixtures/vscode.ts';
const { transcribedAmong } = await import('../../../extension/transcript/with-transcript.ts');

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
