import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { Params } from '../../../schemas/rpc.ts';
import { closeAll, daemon, extension, file, until, withSetting } from './support.ts';

const glossary = (): unknown => (daemon.asked('job/submit').at(-1) as Params<'job/submit'>).jobs[0]!.options.glossary;
const place = (): vscode.Uri => file('.earshot/glossary.md');

describe('the glossary of a workspace', () => {
  before(async () => {
    await daemon.start();
    await extension().activate();
  });
  after(async () => {
    await closeAll();
    await vscode.workspace.fs.delete(file('.earshot'), { recursive: true });
    await daemon.stop();
  });
  afterEach(closeAll);

  it('goes with every recording below it, after what the settings say', async () => {
    await vscode.workspace.fs.writeFile(
      place(),
      new TextEncoder().encode(
        '| Term | Aliases | Translation |\n|---|---|---|\n| Asterisk | hasta risk | |\n| PBX | | centralita |\n',
      ),
    );
    await withSetting('glossary', [{ term: 'PBX', translation: 'switchboard' }], async () => {
      await vscode.commands.executeCommand('earshot.transcribe', file('talk.wav'));
      assert.deepEqual(glossary(), [
        { term: 'PBX', translation: 'switchboard' },
        { term: 'Asterisk', aliases: ['hasta risk'] },
      ]);
    });
  });

  it('takes the selected word, once, and is made where there is none', async () => {
    await vscode.workspace.fs.delete(file('.earshot'), { recursive: true });
    const document = await vscode.workspace.openTextDocument({
        language: 'markdown',
        content: 'Mr. John Dashwood had leisure.',
      }),
      editor = await vscode.window.showTextDocument(document);
    await until('its editor is the active one', () => vscode.window.activeTextEditor === editor);
    const read = async (): Promise<string> => new TextDecoder().decode(await vscode.workspace.fs.readFile(place()));
    editor.selection = new vscode.Selection(0, 4, 0, 17);
    await vscode.commands.executeCommand('earshot.addToGlossary');
    assert.equal(
      await until('the glossary', () => read().catch(() => null)),
      '| Term | Aliases | Translation |\n| --- | --- | --- |\n| John Dashwood |  |  |\n',
    );
    editor.selection = new vscode.Selection(0, 25, 0, 25); // within “leisure”
    await vscode.commands.executeCommand('earshot.addToGlossary');
    await vscode.commands.executeCommand('earshot.addToGlossary');
    assert.match(await read(), /\| John Dashwood \| {2}\| {2}\|\n\| leisure \| {2}\| {2}\|\n$/);
    await vscode.commands.executeCommand('earshot.transcribe', file('talk.wav'));
    assert.deepEqual(glossary(), [{ term: 'John Dashwood' }, { term: 'leisure' }]);
  });
});
