import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { ExportedFile, Params } from '../../../schemas/rpc.ts';
import { toJson } from '../../../text/transcripts/json.ts';
import { render } from '../../../text/transcripts/render.ts';
import { sampleTranscript } from '../fake/fixtures.ts';
import { closeAll, daemon, extension, file, until } from './support.ts';

type Asked = Params<'transcript/export'>;

describe('files that follow a transcript', () => {
  const path = (): vscode.Uri => file('followed.earshot.json');
  const asked = (): Asked[] => daemon.asked('transcript/export') as Asked[];
  const write = (exports: NonNullable<ReturnType<typeof sampleTranscript>['exports']>): Thenable<void> =>
    vscode.workspace.fs.writeFile(
      path(),
      new TextEncoder().encode(toJson({ ...sampleTranscript(file('talk.wav').fsPath), exports })),
    );
  const edit = async (document: vscode.TextDocument): Promise<void> => {
    const change = new vscode.WorkspaceEdit(),
      at = document.positionAt(document.getText().indexOf('Dashwood'));
    change.insert(document.uri, at, 'Q. ');
    await vscode.workspace.applyEdit(change);
  };
  const once = daemon.exported;

  before(async () => {
    await daemon.start();
    await extension().activate();
  });
  afterEach(async () => {
    daemon.exported = once;
    await closeAll();
  });
  after(async () => {
    await vscode.workspace.fs.delete(path());
    await daemon.stop();
  });

  it('are looked at when it is opened, and brought up to date when it is saved', async () => {
    daemon.exported = (): ExportedFile[] => [];
    await write([{ path: 'followed.srt', format: 'srt' }]);
    await vscode.commands.executeCommand('vscode.openWith', path(), 'earshot.transcript');
    await until('a look', () => asked().some(each => each.path === path().fsPath && each.look));
    const document = await until('the document', () =>
      vscode.workspace.textDocuments.find(each => each.uri.toString() === path().toString()),
    );
    await edit(document);
    assert.ok(asked().every(each => each.look));
    await document.save();
    await until('the files', () => asked().some(each => each.path === path().fsPath && !each.look));
  });

  it('a transcript without any asks for nothing', async () => {
    const before = asked().length;
    await vscode.workspace.fs.writeFile(
      path(),
      new TextEncoder().encode(toJson(sampleTranscript(file('talk.wav').fsPath))),
    );
    const document = await vscode.workspace.openTextDocument(path());
    await edit(document);
    await document.save();
    await daemon.until(() => true);
    assert.equal(asked().length, before);
  });

  it('the chapters of an exported Markdown document are its outline', async () => {
    const place = file('outlined.md'),
      starts = [0, 6000, 90_000, 99_000],
      sample = sampleTranscript(file('talk.wav').fsPath);
    const made = {
      ...sample,
      utterances: sample.utterances.map((u, i) => ({ ...u, startMs: starts[i]!, endMs: starts[i]! + 5000 })),
    };
    await vscode.workspace.fs.writeFile(place, new TextEncoder().encode(render(made, 'md', { text: 'original' })));
    const [title] = await until(
      'an outline',
      async () => {
        const found = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>(
          'vscode.executeDocumentSymbolProvider',
          place,
        );
        return found?.length ? found : null;
      },
      90_000,
    );
    assert.deepEqual(
      title!.children.map(({ name }) => name.replace(/^#+ /, '')),
      [
        'And Mr. John Dashwood had then leisure to consider how much…',
        'Had he married a more amiable woman, he might have been made…',
      ],
    );
    await vscode.workspace.fs.delete(place);
  });
});
