/** Inside the extension host: the extension, the scripted daemon in this very process, and waiting for what happens. */
import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { Api } from '../../../extension/main.ts';
import { FakeDaemon } from '../fake/daemon.ts';

export const workspace = (): vscode.Uri => vscode.workspace.workspaceFolders![0]!.uri;
export const file = (name: string): vscode.Uri => vscode.Uri.joinPath(workspace(), name);
export const extension = (): vscode.Extension<Api> => vscode.extensions.getExtension<Api>('earshot.earshot')!;

/** The folders come in the environment of the host; the daemon answers on the socket there. */
export const daemon = new FakeDaemon(process.env.EARSHOT_STATE!, {}, 5000 + Math.floor(performance.now()));

export async function until<T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  ms = 10_000,
): Promise<T> {
  for (const end = Date.now() + ms; ;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < end, `timed out: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** Resolves with the document's text once it matches. */
export const text = (document: vscode.TextDocument, pattern: RegExp): Promise<string> =>
  until(
    `text ${pattern} in “${document.getText().slice(-300)}”`,
    () => pattern.test(document.getText()) && document.getText(),
  );

export async function closeAll(): Promise<void> {
  for (const document of vscode.workspace.textDocuments)
    if (document.isDirty) {
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  await until('no editor is left', () => vscode.window.activeTextEditor === undefined);
}

/** The newest job that was asked for. */
export const newest = (): string => [...daemon.jobs.keys()].at(-1)!;

export const settings = (section = 'earshot'): vscode.WorkspaceConfiguration =>
  vscode.workspace.getConfiguration(section);
export async function withSetting(name: string, value: unknown, work: () => Promise<void>): Promise<void> {
  const before = settings().inspect(name)?.globalValue;
  await settings().update(name, value, vscode.ConfigurationTarget.Global);
  try {
    await work();
  } finally {
    await settings().update(name, before, vscode.ConfigurationTarget.Global);
  }
}
