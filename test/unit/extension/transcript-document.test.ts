/** Edits of a transcript's document, in flight together and against people's typing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Document, workspace } from '../../fixtures/vscode.ts';
import { newer } from '../../fixtures/newer.ts';
import { Transcript } from '../../../schemas/job.ts';
import { toJson } from '../../../text/transcripts/json.ts';
const { editTranscript } = await import('../../../extension/transcript/document.ts');
const { follow, parseTranscript, transcriptOf } = await import('../../../extension/transcript/live.ts');
const { accept, merge, renameSpeaker, setSpeaker, setText } = await import('../../../extension/transcript/edits.ts');
const { insertAfter, remove, split } = await import('../../../extension/transcript/cuts.ts');

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

/** A document that is followed, and what is read of it by the whole. */
async function followed(document: Document): Promise<{ now: Transcript; same: (before: Transcript) => number }> {
  const now = (await transcriptOf(document as never))!;
  assert.deepEqual(now, await parseTranscript(document.getText()), 'what is known is what stands there');
  return { now, same: before => now.utterances.filter(u => before.utterances.includes(u)).length };
}

test('a transcript follows its text by the lines that changed: edits, undo, typing, names', async () => {
  const document = open(),
    listening = workspace.onDidChangeTextDocument(event => {
      if (event.document === document) void follow(event as never);
    });
  try {
    let { now: before } = await followed(document);
    const step = async (what: string, kept: number, change: (now: Transcript) => Transcript): Promise<void> => {
      const text = document.getText();
      await edit(document, change);
      assert.equal(document.getText(), toJson(change(before)), `${what}: the file is what it would be written as`);
      const after = await followed(document);
      assert.ok(after.same(before) >= kept, `${what}: ${after.same(before)} are the very same`);
      const changed = document.getText();
      document.put(text, document.reverted(text));
      const undone = await followed(document);
      assert.ok(undone.same(after.now) >= kept - 1, `${what}: undone`);
      document.put(changed, document.reverted(changed));
      before = (await followed(document)).now;
    };
    await step('text', 2, now => setText(now, 0, 'ONE'));
    await step('the last one', 2, now => setText(now, 2, 'THREE'));
    await step('split', 2, now => split(setText(now, 1, 'two and more'), 1, 3));
    await step('put in at the end', 3, now => insertAfter(now, 2));
    await step('merge', 3, now => merge(now, 1));
    await step('the first goes', 2, now => remove(now, 0));
    await step('the last goes', 1, now => remove(now, now.utterances.at(-1)!.index));
    await step('names', 1, now => ({
      ...renameSpeaker(setSpeaker(now, [2], 'S1'), 'S1', 'Anna'),
      speakers: { Anna: 'AAAA' },
    }));
    await step('both', 1, now => ({
      ...insertAfter(now, now.utterances[0]!.index),
      summary: { text: 'x', language: 'en', model: 'm' },
    }));
    // A text that somebody types in is read where it can be, and is no transcript where it is none.
    const text = document.getText();
    for (const [from, to] of [
      ['"Anna"', '"Ben"'],
      ['    {', '    {,'],
      ['},', '}'],
      ['  ]', '  ],'],
      ['    {', '\n    {'],
    ] as const) {
      const typed = text.replace(from, to);
      document.put(typed, document.reverted(typed));
      assert.deepEqual(await transcriptOf(document as never), await parseTranscript(typed), `${from} → ${to}`);
      document.put(text, document.reverted(text));
      await followed(document);
    }
  } finally {
    listening.dispose();
  }
});
