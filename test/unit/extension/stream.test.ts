/** A transcript on its way into a document that takes no text: a notice says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Document, window } from '../../fixtures/vscode.ts';
import type { Utterance } from '../../../schemas/job.ts';
const { Stream } = await import('../../../extension/streaming/stream.ts');

const said = (...texts: string[]): Utterance[] =>
  texts.map((text, index) => ({
    index,
    startMs: index * 1000,
    endMs: index * 1000 + 900,
    asr: { text, words: [], language: 'en', languageProbability: 1 },
  }));
let files = 0;
function stream(refuse: Document['refuse']): {
  document: Document;
  into: InstanceType<typeof Stream>;
  ends: string[];
  failures: string[];
} {
  const document = new Document(`/r/${++files}.txt`, '');
  document.refuse = refuse;
  const into = new Stream({
    job: 'job',
    document: document as never,
    template: {
      format: 'text',
      timestamps: 'none',
      paragraphPauseMs: 5000,
      translation: 'instead',
      heading: null,
      gap: () => '',
      speaker: name => name,
    },
  });
  const ends: string[] = [],
    failures: string[] = [];
  into.onEnded(how => ends.push(how));
  into.onFailed(error => failures.push((error as Error).message));
  return { document, into, ends, failures };
}

test('what was said stands in the document when it is finished', async () => {
  const { document, into, ends, failures } = stream(2);
  into.take(said('One.', 'Two.'));
  assert.equal(await into.finish(null), true);
  assert.match(document.getText(), /One\. Two\./);
  assert.deepEqual([ends, failures], [['done'], []]);
});

test('a document that fails to take the text ends the stream with the reason, and is not finished', async () => {
  const { document, into, ends, failures } = stream(new Error('read-only file system'));
  into.take(said('One.'));
  assert.equal(await into.finish(null), false);
  assert.equal(document.getText(), '');
  assert.deepEqual([ends, failures], [['failed'], ['read-only file system']]);
});

test('a document that refuses every edit is a failure too', async () => {
  const { into, ends, failures } = stream(Number.MAX_SAFE_INTEGER);
  into.take(said('One.'));
  assert.equal(await into.finish(null), false);
  assert.deepEqual(ends, ['failed']);
  assert.match(failures[0]!, /outputNotWritable/);
});

test('an editor that closes in the middle of an edit fails nothing: the document catches up', async () => {
  const { document, into, ends, failures } = stream(0);
  const editor = {
    document,
    edit: async () => {
      window.visibleTextEditors.length = 0;
      throw new Error('TextEditor#edit not possible on closed editors');
    },
  };
  window.visibleTextEditors.push(editor);
  into.take(said('One.'));
  assert.equal(await into.finish(null), true);
  assert.match(document.getText(), /One\./);
  assert.deepEqual([ends, failures], [['done'], []]);
});
