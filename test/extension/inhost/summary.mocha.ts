import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { closeAll, daemon, extension, file, newest, text, until, workspace } from './support.ts';
import { failure } from '../../../schemas/errors.ts';
import { utterance } from '../fake/fixtures.ts';

/** The daemon makes the summary that was asked for last. */
async function make(said: string): Promise<void> {
  const asked = daemon.asked('job/summary').length;
  await until(
    'the question',
    () => daemon.asked('job/summary').length > asked || daemon.jobs.get(newest())?.options.source === 'transcript',
  );
  const id = newest();
  daemon.utterances.set(id, [{ index: 0, startMs: 0, endMs: 1000, summary: { text: said } }]);
  daemon.finish(id, { models: { summary: 'tiny' } });
}

describe('summaries', () => {
  before(async () => {
    await daemon.start();
    await extension().activate();
    await extension().exports.daemon.start();
  });
  after(async () => {
    await closeAll();
    await daemon.stop();
  });
  afterEach(closeAll);

  it('of the recording that a Markdown document links to, below its heading, as plain text', async () => {
    await vscode.commands.executeCommand('earshot.transcribe', file('talk.wav'));
    const job = newest();
    daemon.finish(job);
    await until('the mirror', () => extension().exports.daemon.state.jobs.get(job)?.state === 'completed');
    await closeAll();
    await vscode.workspace.fs.writeFile(
      file('minutes.md'),
      new TextEncoder().encode('# Minutes\n\n[talk](talk.wav) was long.\n'),
    );
    const document = await vscode.workspace.openTextDocument(file('minutes.md'));
    await vscode.window.showTextDocument(document);
    const done = vscode.commands.executeCommand('earshot.addSummary');
    await make('About *ships*. <b>');
    assert.equal(await done, 'About *ships*. <b>');
    assert.deepEqual(daemon.asked('job/summary').at(-1), { of: job });
    assert.equal(
      document.getText(),
      '# Minutes\n\n## Summary\n\nAbout \\*ships\\*. \\<b\\>\n\n*By tiny, a language model; it may be ' +
        'wrong.*\n\n## Transcript\n\n[talk](talk.wav) was long.\n',
    );
    await vscode.commands.executeCommand('undo');
  });

  it('asked for with the transcript, it comes into the document by itself', async () => {
    await vscode.commands.executeCommand('earshot.transcribe', file('talk 2.mp3'));
    const job = newest(),
      document = await until('its document', () => vscode.window.activeTextEditor?.document);
    daemon.utterances.set(job, [utterance(0, ['asr'])]);
    daemon.finish(job);
    await text(document, /\w/);
    await until('the stream has ended', () => daemon.jobs.get(job)!.state === 'completed');
    const { job: summary } = await extension().exports.daemon.call('job/summary', { of: job });
    await until('the mirror', () => extension().exports.daemon.state.jobs.has(summary.id));
    await make('About boats.');
    assert.match(await text(document, /boats/), /## Summary\n\nAbout boats\.\n\n\*By tiny/);
  });

  it('of a transcript file; cancelled, failed or of nothing it says so', async () => {
    const path = vscode.Uri.joinPath(workspace(), 'x.earshot.json');
    const done = vscode.commands.executeCommand('earshot.addSummary', path);
    await until(
      'the question',
      () => (daemon.asked('job/summary').at(-1) as { of?: string } | undefined)?.of === path.fsPath,
    );
    daemon.finish(newest(), { state: 'failed', failure: failure('nothingSaid', { path: 'x' }) });
    assert.equal(await done, undefined);
    const before = daemon.asked('job/summary').length;
    await vscode.window.showTextDocument(
      await vscode.workspace.openTextDocument({ language: 'markdown', content: 'no recording' }),
    );
    assert.equal(await vscode.commands.executeCommand('earshot.addSummary'), undefined);
    assert.equal(daemon.asked('job/summary').length, before);
  });
});
