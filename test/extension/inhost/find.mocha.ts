import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { closeAll, daemon, extension, file, newest, until } from './support.ts';

describe('find in transcripts', () => {
  before(async () => {
    await daemon.start();
    await extension().activate();
  });
  after(async () => {
    await closeAll();
    await daemon.stop();
  });
  afterEach(closeAll);

  const accept = async (): Promise<void> => {
    await new Promise(resolve => setTimeout(resolve, 500));
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
  };

  it('opens the document at the words that were found', async () => {
    await vscode.commands.executeCommand('earshot.transcribe', file('talk.wav'));
    const job = newest();
    for (let i = 0; i < 4; i++) daemon.say(job, 4);
    daemon.finish(job);
    await closeAll();
    const done = vscode.commands.executeCommand('earshot.findInTranscripts', 'leisure to consider');
    await until('the question', () => daemon.asked('search/find').length > 0);
    assert.deepEqual(daemon.asked('search/find').at(-1), { words: 'leisure to consider', typing: true, limit: 100 });
    await accept();
    await done;
    const editor = await until('the document', () => vscode.window.activeTextEditor);
    assert.equal(editor.document.getText(editor.selection), 'leisure to consider');
  });

  it('asks for what is selected', async () => {
    const document = await vscode.workspace.openTextDocument({ content: 'John Dashwood\n' });
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(0, 0, 0, 13) });
    const before = daemon.asked('search/find').length,
      done = vscode.commands.executeCommand('earshot.findInTranscripts');
    await until('the question', () => daemon.asked('search/find').length > before);
    assert.deepEqual(daemon.asked('search/find').at(-1), { words: 'John Dashwood', typing: true, limit: 100 });
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await done;
  });
});
