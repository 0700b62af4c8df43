/** Files as the extension asks about them. */
import * as vscode from 'vscode';

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
