import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { Params } from '../../../schemas/rpc.ts';
import { SENTENCES, utterance } from '../fake/fixtures.ts';
import { closeAll, daemon, extension, file, newest, text, until, withSetting } from './support.ts';

const first = SENTENCES[0]!,
  second = SENTENCES[1]!,
  third = SENTENCES[2]!;

describe('dictation', () => {
  before(async () => {
    await daemon.start();
    await extension().activate();
  });
  after(async () => {
    await closeAll();
    await daemon.stop();
  });
  afterEach(closeAll);

  /** With a sound file for a microphone. */
  const dictating = (
    work: (session: { job: string; document: vscode.TextDocument; editor: vscode.TextEditor }) => Promise<void>,
    content = 'Before. After.',
    at = 7,
  ): Promise<void> =>
    withSetting('dictation.device', `file:${file('talk.wav').fsPath}`, async () => {
      const document = await vscode.workspace.openTextDocument({ language: 'markdown', content }),
        editor = await vscode.window.showTextDocument(document);
      editor.selection = new vscode.Selection(0, at, 0, at);
      const before = daemon.jobs.size;
      await vscode.commands.executeCommand('earshot.dictate');
      await until('a session', () => daemon.jobs.size > before);
      const job = newest();
      try {
        await work({ job, document, editor });
      } finally {
        const stopped = vscode.commands.executeCommand('earshot.stopDictation');
        await until('it is closed', () =>
          daemon.asked('live/close').some(params => (params as { id: string }).id === job),
        );
        daemon.finish(job);
        await stopped;
      }
    });

  it('records, and what is said appears at the cursor', async () => {
    await dictating(async ({ job, document }) => {
      const { format, options } = daemon.asked('live/open').at(-1) as Params<'live/open'>;
      assert.deepEqual([format, options.outputs, options.translateTo], ['pcm', undefined, undefined]);
      await until('sound of half a second', () => daemon.heard.get(job)! > 16_000);
      daemon.say(job);
      await text(document, /for them\./);
      daemon.say(job);
      await text(document, /ill disposed\./);
      assert.equal(document.getText(), `Before. ${first} ${second} After.`);
    });
    const heard = daemon.heard.get(newest())!;
    await new Promise(resolve => setTimeout(resolve, 400));
    assert.equal(daemon.heard.get(newest()), heard, 'nothing is recorded any more');
  });

  it('follows the cursor; what was said before is repaired where it stands', async () => {
    await dictating(async ({ job, document, editor }) => {
      const { repair: _repair, ...raw } = utterance(0, ['asr', 'repair']);
      daemon.utterances.set(job, [raw]);
      daemon.publishUtterance(job, raw);
      await text(document, /Dash wood/);
      // Somebody goes to a new line at the end and types there.
      await vscode.commands.executeCommand('cursorBottom');
      await vscode.commands.executeCommand('type', { text: '\n' });
      await vscode.commands.executeCommand('type', { text: 'Then:' });
      await until('the cursor is there', () => editor.selection.active.line === 1);
      const next = utterance(1, ['asr', 'repair']);
      daemon.utterances.set(job, [raw, next]);
      daemon.publishUtterance(job, next);
      await text(document, /ill disposed\./);
      daemon.publishUtterance(job, utterance(0, ['asr', 'repair']));
      await text(document, /John Dashwood/);
      assert.equal(document.getText(), `Before. ${first} After.\nThen: ${second}`);
      // And back into the first line, by a selection that a mouse makes.
      daemon.utterances.set(job, [utterance(0, ['asr', 'repair']), next, utterance(2, ['asr', 'repair'])]);
      daemon.publishUtterance(job, utterance(2, ['asr', 'repair']));
      await text(document, new RegExp(third.slice(0, 20)));
      assert.equal(document.getText(), `Before. ${first} After.\nThen: ${second} ${third}`);
    });
  });

  it('one undo takes it back, and the recording ends', async () => {
    await dictating(async ({ job, document }) => {
      daemon.say(job);
      await text(document, /for them\./);
      await vscode.commands.executeCommand('undo');
      await until('only what was there', () => document.getText() === 'Before. After.');
      await until('it is closed', () =>
        daemon.asked('live/close').some(params => (params as { id: string }).id === job),
      );
    });
  });

  it('a microphone that is not there is said, and nothing goes on', async () => {
    await withSetting('dictation.device', 'lavfi:nonsense', async () => {
      const before = daemon.asked('live/close').length;
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: '' }));
      await vscode.commands.executeCommand('earshot.dictate');
      await until('it is closed', () => daemon.asked('live/close').length > before);
      daemon.finish(newest());
      // The next one begins anew.
      await new Promise(resolve => setTimeout(resolve, 200));
    });
    await dictating(async ({ job }) => {
      await until('sound', () => daemon.heard.get(job)! > 0);
    });
  });
});
