import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { Transcript } from '../../../schemas/job.ts';
import { sampleTranscript, SENTENCES } from '../fake/fixtures.ts';
import { closeAll, daemon, extension, file, newest, text, until, withSetting } from './support.ts';

const run = <T>(command: string, ...args: unknown[]): Promise<T> =>
  Promise.resolve(vscode.commands.executeCommand<T>(command, ...args));
const write = (name: string, content: string): Promise<void> =>
  Promise.resolve(vscode.workspace.fs.writeFile(file(name), new TextEncoder().encode(content)));
let count = 0;
async function markdown(content: string): Promise<vscode.TextDocument> {
  const name = `doc ${count++}.md`;
  await write(name, content);
  const document = await vscode.workspace.openTextDocument(file(name));
  await vscode.window.showTextDocument(document);
  return document;
}
/** In the transcript editor, in front of all else. */
const isShown = (name: string): boolean => {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return (
    input instanceof vscode.TabInputCustom &&
    input.viewType === 'earshot.transcript' &&
    input.uri.path.endsWith(`/${name}`)
  );
};
const lenses = async (document: vscode.TextDocument): Promise<string[]> =>
  (await run<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 50)).map(l => l.command?.title ?? '');

describe('recordings in Markdown', () => {
  before(async () => {
    await daemon.start();
    await extension().activate();
  });
  after(async () => {
    await closeAll();
    for (let n = 0; n < count; n++) await vscode.workspace.fs.delete(file(`doc ${n}.md`));
    await vscode.workspace.fs.delete(file('talk 2.earshot.json'));
    await daemon.stop();
  });
  afterEach(closeAll);

  it('a link offers to transcribe, and to insert the transcript below it', async () => {
    const document = await markdown('# Notes\n\nSee [the talk](talk.wav).\n\nMine.\n');
    await until('the offers', async () => (await lenses(document)).join() === 'Transcribe,Insert transcript');
    const [, insert] = await run<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 50);
    await run(insert!.command!.command, ...insert!.command!.arguments!);
    daemon.say(newest());
    daemon.say(newest());
    await text(document, /ill disposed\./);
    assert.equal(
      document.getText(),
      `# Notes\n\nSee [the talk](talk.wav).\n\n[**00:00**](talk.wav#t=0) ${SENTENCES[0]} ${SENTENCES[1]}\n\nMine.\n`,
    );
  });

  it('a link to a known recording says its first words, and on hover what is said at its moment', async () => {
    await write(
      'talk 2.earshot.json',
      JSON.stringify(sampleTranscript(file('talk 2.mp3').fsPath) satisfies Transcript),
    );
    const document = await markdown('[all](<talk 2.mp3>)\n\n[here](talk%202.mp3#t=0:15) and [nothing](none.mp3)\n');
    await until('the first words', async () => {
      const [words, insert, ...more] = await lenses(document);
      return (
        /^\$\(quote\) And Mr\. John Dashwood .*…$/.test(words ?? '') && insert === 'Insert transcript' && !more.length
      );
    });
    const [hover] = await run<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, new vscode.Position(2, 12));
    // A sentence wraps: its spaces are spaces.
    assert.match(
      hover!.contents.map(c => (c as vscode.MarkdownString).value).join(''),
      /\*\*00:15\*\*(&nbsp;| )Had he married a more amiable woman/,
    );
  });

  it('following a link opens the transcript at the moment', async () => {
    await write('talk 2.earshot.json', JSON.stringify(sampleTranscript(file('talk 2.mp3').fsPath)));
    const document = await markdown('[here](talk%202.mp3#t=15)\n');
    const link = await until('the link', async () =>
      (await run<vscode.DocumentLink[]>('vscode.executeLinkProvider', document.uri)).find(
        l => l.target?.scheme === 'command',
      ),
    );
    assert.deepEqual(JSON.parse(link.target!.query), [file('talk 2.mp3').fsPath, 15_000]);
    await run('earshot.openAt', file('talk 2.mp3').fsPath, 15_000);
    await until('the transcript editor', () => isShown('talk 2.earshot.json'));
  });

  it('a recording with a transcript opens it, and one without offers to make it', async () => {
    await write('talk 2.earshot.json', JSON.stringify(sampleTranscript(file('talk 2.mp3').fsPath)));
    await run('earshot.openTranscript', file('talk 2.mp3'));
    await until('the transcript editor', () => isShown('talk 2.earshot.json'));
    await closeAll();
    await run('earshot.openTranscript', file('notes.txt'));
    assert.equal(vscode.window.tabGroups.activeTabGroup.activeTab, undefined);
  });

  it('of several recordings, or a folder, a table leads to the transcripts; it is written once', async () => {
    const recordings = ['talk 1.wav', 'talk 2.wav', 'none.wav'].map(name => file(`several/${name}`));
    for (const each of recordings) await vscode.workspace.fs.copy(file('talk.wav'), each);
    await write('several/talk 2.earshot.json', JSON.stringify(sampleTranscript(recordings[1]!.fsPath)));
    await run('earshot.transcribe', recordings[0], [recordings[0]]);
    const job = newest();
    daemon.say(job);
    daemon.finish(job);
    await until('it is over', () => extension().exports.daemon.state.jobs.get(job)?.state === 'completed');
    await closeAll();
    const place = await run<vscode.Uri>('earshot.openTranscripts', recordings[0], recordings),
      shown = vscode.window.activeTextEditor!.document;
    assert.deepEqual([place.path, shown.uri.path], Array(2).fill(file('several/transcripts.md').path));
    assert.match(shown.getText(), /^# Transcripts\n\n2 recordings, /);
    assert.deepEqual(
      [...shown.getText().matchAll(/^\| \[[^\]]+\]\(<([^>]+)>\).*\[json\]\(<([^>]+)>\) \|$/gm)].map(([, ...to]) => to),
      [
        ['talk%201.wav', 'talk%201.earshot.json'],
        ['talk%202.wav', 'talk%202.earshot.json'],
      ],
    );
    await closeAll();
    assert.equal((await run<vscode.Uri>('earshot.openTranscripts', recordings[0], recordings)).path, place.path);
    // The folder by its name; what lies there is another table.
    const named = await run<vscode.Uri>('earshot.openTranscripts', file('several'), [file('several')]);
    assert.match(vscode.window.activeTextEditor!.document.getText(), /^# several\n\n2 recordings, /);
    assert.match(named.path, /transcripts \(2\)\.md$/);
    // A single one opens in its editor.
    await closeAll();
    await run('earshot.openTranscripts', recordings[1], [recordings[1], recordings[2]]);
    await until('the transcript editor', () => isShown('talk 2.earshot.json'));
    await closeAll();
    await vscode.workspace.fs.delete(file('several'), { recursive: true });
  });

  it('a finished job opens in the transcript editor, or where its text stands already', async () => {
    await run('earshot.transcribe', file('talk.wav'));
    const document = vscode.window.activeTextEditor!.document,
      job = newest();
    daemon.say(job);
    await text(document, /for them\.$/);
    daemon.finish(job);
    await run('workbench.action.files.newUntitledFile');
    await run('earshot.openTranscript', job);
    await until('the document', () => vscode.window.activeTextEditor?.document === document);
    await closeAll();
    await until('it is gone', () => document.isClosed);
    await run('earshot.openTranscript', job);
    await until('the transcript editor', () => isShown('talk.earshot.json'));
    await closeAll();
    await vscode.workspace.fs.delete(file('talk.earshot.json'));
  });

  it('front matter and links are as the settings say', async () => {
    await withSetting('document.frontMatter', true, () =>
      withSetting('document.links', false, async () => {
        await run('earshot.transcribe', file('talk.wav'));
        const document = vscode.window.activeTextEditor!.document;
        daemon.say(newest());
        await text(document, /for them\.$/);
        assert.match(
          document.getText(),
          /^---\ntitle: talk\nrecording: talk\.wav\ndate: "\d{4}-\d\d-\d\d"\nlanguage: en\n---\n\n# talk\.wav\n\n\*\*\[00:00\]\*\* And Mr\./,
        );
      }),
    );
  });
});
