/** Edits of a transcript's document, in flight together and against people's typing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Document } from '../../fixtures/vscode.ts';
import { newer } from '../../fixtures/newer.ts';
import { Transcript } from '../../../schemas/job.ts';
import { toJson } from '../../../text/transcripts/json.ts';
const { editTranscript, parseTranscript } = await import('../../../extension/transcript/document.ts');
const { accept, setText } = await import('../../../extension/transcript/edits.ts');

const transcript: Transcript = {
  earshot: 1,
  recording: { path: '/r/talk.wav', name: 'talk.wav', durationMs: 9000 },
  language: 'en',
  translatedTo: null,
  models: {},
  warnings: [],
  utterances: ['one', 'two', 'three'].map((text, index) => ({
    index,
    startMs: index * 1000,
    endMs: index * 1000 + 900,
    asr: { text, words: [], language: 'en', languageProbability: 1 },
  })),
};
let files = 0;
const open = (): Document => new Document(`/r/${++files}.earshot.json`, toJson(transcript));
const edit = (document: Document, change: (now: Transcript) => Transcript | null): Promise<void> =>
  editTranscript(document as never, change);
const texts = async (document: Document): Promise<string[]> =>
  (await parseTranscript(document.getText()))!.utterances.map(u => u.repair?.text ?? u.asr!.text);

test('two edits at once are both kept', async () => {
  const document = open();
  await Promise.all([
    edit(document, now => setText(now, 0, 'ONE')),
    edit(document, now => setText(now, 2, 'THREE')),
    edit(document, now => accept(now, null)),
  ]);
  assert.deepEqual(await texts(document), ['ONE', 'two', 'THREE']);
});

test('a transcript of a newer version is edited, and what it has more stays in it', async () => {
  const document = new Document('/r/newer.earshot.json', toJson(newer(Transcript, transcript)));
  await edit(document, now => setText(now, 0, 'ONE'));
  const now = JSON.parse(document.getText()) as Transcript;
  assert.equal(now.utterances[0]!.repair?.text, 'ONE');
  delete now.utterances[0]!.repair;
  assert.deepEqual(now, newer(Transcript, transcript));
});

test('what somebody types while an edit is on its way stays, and so does the edit', async () => {
  const document = open();
  let typed = false;
  await edit(document, now => {
    if (!typed) setImmediate(() => document.put(document.getText().replace('"two"', '"typed"')));
    typed = true;
    return setText(now, 0, 'ONE');
  });
  assert.deepEqual(await texts(document), ['ONE', 'typed', 'three']);
});

test('an edit that the editor refuses is tried again; one that it never takes is an error', async () => {
  const document = open();
  document.refuse = 2;
  await edit(document, now => setText(now, 0, 'ONE'));
  assert.deepEqual(await texts(document), ['ONE', 'two', 'three']);
  document.refuse = Number.MAX_SAFE_INTEGER;
  await assert.rejects(edit(document, now => setText(now, 1, 'TWO')));
  document.refuse = new Error('read-only');
  await assert.rejects(
    edit(document, now => setText(now, 1, 'TWO')),
    /read-only/,
  );
  document.refuse = 0;
  await edit(document, now => setText(now, 1, 'TWO'));
  assert.deepEqual(await texts(document), ['ONE', 'TWO', 'three'], 'a failed edit does not hold up the next');
});

test('a text that is no transcript is left alone', async () => {
  const document = new Document('/r/broken.earshot.json', '{');
  await edit(document, () => assert.fail('asked'));
  assert.equal(document.getText(), '{');
});
