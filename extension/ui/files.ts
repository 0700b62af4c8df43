/** Files and documents as the extension asks about and changes them. */
import * as vscode from 'vscode';
import { EarshotError } from '../../schemas/errors.ts';

/** Edits one document, open or not. @throws outputNotWritable when it does not take the edit */
export async function editDocument(uri: vscode.Uri, edits: readonly vscode.TextEdit[]): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.set(uri, [...edits]);
  if (!(await vscode.workspace.applyEdit(edit))) throw new EarshotError('outputNotWritable', { path: uri.fsPath });
}

/** Saves a document. @throws outputNotWritable when it cannot be */
export async function saveDocument(document: vscode.TextDocument): Promise<void> {
  if (!(await document.save())) throw new EarshotError('outputNotWritable', { path: document.uri.fsPath });
}

/**
 * Writes a file. `through`: a link may lead to it, since somebody chose this very place. @throws outputNotWritable
 * where another link lies: a folder that somebody else made may have it lead anywhere
 */
export const writeText = (uri: vscode.Uri, text: string, options?: { through?: boolean }): Promise<void> =>
  writeBytes(uri, new TextEncoder().encode(text), options);

/** The same of what is no text in UTF-8. */
export async function writeBytes(uri: vscode.Uri, bytes: Uint8Array, { through = false } = {}): Promise<void> {
  const there = through ? null : await Promise.resolve(vscode.workspace.fs.stat(uri)).catch(() => null);
  if (there && there.type & vscode.FileType.SymbolicLink)
    throw new EarshotError('outputNotWritable', { path: uri.fsPath }, 'it is a link');
  await vscode.workspace.fs.writeFile(uri, bytes);
}

/** The whole of a small file. @throws where it is none, or larger */
export const readText = async (uri: vscode.Uri, mostBytes: number): Promise<string> =>
  new TextDecoder().decode(await readBytes(uri, mostBytes));

/** The same as it lies there. */
export async function readBytes(uri: vscode.Uri, mostBytes: number): Promise<Uint8Array> {
  const { type, size } = await vscode.workspace.fs.stat(uri);
  if (!(type & vscode.FileType.File) || size > mostBytes) throw new EarshotError('notAFile', { path: uri.fsPath });
  return vscode.workspace.fs.readFile(uri);
}

export const exists = (uri: vscode.Uri): Promise<boolean> =>
  Promise.resolve(vscode.workspace.fs.stat(uri)).then(
    () => true,
    () => false,
  );

/** talk.md in the folder; talk (2).md when that is taken. */
export async function freeName(folder: vscode.Uri, stem: string, ending: string): Promise<vscode.Uri> {
  for (let n = 1; ; n++) {
    const uri = vscode.Uri.joinPath(folder, n === 1 ? `${stem}.${ending}` : `${stem} (${n}).${ending}`);
    if (!(await exists(uri))) return uri;
  }
}
