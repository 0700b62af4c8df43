import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { closeAll, daemon, extension, settings, until, withSetting, workspace } from './support.ts';
import type { Params } from '../../../schemas/rpc.ts';
import { decision } from '../../../schemas/watch.ts';
import { WatchedView } from '../../../extension/watched/view.ts';

const added = (): Params<'watch/add'>[] => daemon.asked('watch/add') as Params<'watch/add'>[];
const here = (): string => workspace().fsPath;

const unwatch = (path: string): Promise<unknown> => extension().exports.daemon.call('watch/remove', { paths: [path] });

describe('watched folders', () => {
  before(async () => {
    await daemon.start();
    await extension().activate();
    await extension().exports.daemon.start();
  });
  after(async () => {
    await closeAll();
    await daemon.stop();
  });
  afterEach(async () => {
    await settings().update('watchedFolders', undefined, vscode.ConfigurationTarget.Workspace);
    await until('nothing is watched', () => daemon.folders.size === 0);
  });

  it('the settings are the truth: what they gain is watched, what they lose is not', async () => {
    await withSetting('watchedFolders', [{ path: here(), translateTo: 'de', formats: ['srt'] }], async () => {
      await until('the folder', () => daemon.folders.size === 1);
      assert.deepEqual(added().at(-1)!.folder, {
        path: here(),
        owner: 'user',
        options: { repair: true, translateTo: 'de', outputs: { formats: ['srt'] } },
      });
      await settings().update(
        'watchedFolders',
        [{ path: here(), translateTo: 'fr', formats: ['srt'] }],
        vscode.ConfigurationTarget.Global,
      );
      await until('the new recipe', () => daemon.folders.get(here())?.spec.options.translateTo === 'fr');
    });
    await until('it is gone', () => daemon.folders.size === 0);
    assert.deepEqual(daemon.asked('watch/remove').at(-1), { paths: [here()] });
  });

  it('leaves folders of the command line alone', async () => {
    daemon.folder({
      spec: { path: '/elsewhere', options: { repair: true }, owner: 'cli' },
      state: 'watching',
      failure: null,
      since: 1,
      counts: { taken: 0, refused: 0, waiting: 0, writing: 0 },
    });
    await settings().update('watchedFolders', [{ path: '.' }], vscode.ConfigurationTarget.Workspace);
    await until('both', () => daemon.folders.size === 2);
    await settings().update('watchedFolders', undefined, vscode.ConfigurationTarget.Workspace);
    await until('one', () => daemon.folders.size === 1);
    assert.ok(daemon.folders.has('/elsewhere'));
    await unwatch('/elsewhere');
  });

  it("“Watch this folder” asks for the recipe and writes it into the workspace's settings", async () => {
    const before = added().length,
      done = vscode.commands.executeCommand('earshot.watchFolder', workspace());
    await new Promise(resolve => setTimeout(resolve, 500));
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    assert.equal(await done, here());
    await until('the daemon hears of it', () => added().length > before && daemon.folders.has(here()));
    assert.deepEqual(settings().inspect('watchedFolders')!.workspaceValue, [{ path: '.', formats: ['json'] }]);
    assert.match(added().at(-1)!.folder.owner!, /^workspace /);
  });

  it('the view shows folders, their newest files, and why', async () => {
    daemon.folder({
      spec: { path: here(), options: { repair: true, translateTo: 'de' }, owner: 'cli' },
      state: 'paused',
      failure: null,
      since: 1,
      counts: { taken: 3, refused: 0, waiting: 2, writing: 1 },
    });
    daemon.files = [
      { path: `${here()}/new.wav`, folder: here(), bytes: 1, at: 2, job: null, decision: decision('writing') },
      {
        path: `${here()}/calls/a.wav`,
        folder: here(),
        bytes: 1,
        at: 1,
        job: '01J00000000000000000000000',
        decision: decision('taken'),
      },
    ];
    const { daemon: connection } = extension().exports,
      view = new WatchedView(connection);
    await until('the mirror', () => connection.state.watched.get(here())?.state === 'paused');
    const [folder] = await view.getChildren(),
      files = await view.getChildren(folder),
      items = [folder!, ...files].map(each => view.getTreeItem(each));
    assert.deepEqual(
      items.map(item => item.description),
      ['paused · 3 taken · 3 arriving', 'still being written', 'queued'],
    );
    assert.deepEqual(
      items.map(item => item.contextValue),
      ['pausedFolder', 'file', 'file'],
    );
    assert.deepEqual([items[2]!.label, items[2]!.command?.arguments], ['calls/a.wav', ['01J00000000000000000000000']]);
    assert.match((items[0]!.tooltip as vscode.MarkdownString).value, /German/);
    await vscode.commands.executeCommand('earshot.watch.resume', folder);
    assert.deepEqual(daemon.asked('watch/resume').at(-1), { paths: [here()] });
    view.dispose();
    await unwatch(here());
  });
});
