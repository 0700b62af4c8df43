/** Subtitles and the recording that they belong to. */
import * as vscode from 'vscode';
import { dirname } from 'node:path';
import { isRecordingFile } from '../../client/recording-content.ts';
import { isMedia, maybeMedia } from '../../schemas/media.ts';
import { stemsOf } from './names.ts';

/** The recording beside subtitles, by its name: film.mp4 for film.srt and film.de.srt. */
export async function siblingRecording(subtitles: vscode.Uri): Promise<vscode.Uri | null> {
  if (subtitles.scheme !== 'file') return null;
  const folder = vscode.Uri.file(dirname(subtitles.fsPath)),
    names = (await vscode.workspace.fs.readDirectory(folder))
      .map(([name]) => name)
      .filter(name => isMedia(name) || maybeMedia(name));
  for (const stem of stemsOf(subtitles.fsPath)) {
    for (const name of names) {
      const found = vscode.Uri.joinPath(folder, name);
      if ((name.replace(/\.[^.]+$/, '') === stem || name === stem) && (await isRecordingFile(found.fsPath)))
        return found;
    }
  }
  return null;
}
