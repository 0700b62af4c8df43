/**
 * Files that follow a transcript, when it is opened and saved in this window, in whichever editor: the daemon writes
 * them. What happens to one that somebody changed by hand is asked once, and stands in the transcript from then on.
 */
import * as vscode from 'vscode';
import type { Export } from '../../schemas/job.ts';
import type { ExportedFile } from '../../schemas/rpc.ts';
import { samePath } from '../../client/same-path.ts';
import { notify, notifyBriefly } from '../ui/notify.ts';
import { errorText } from '../ui/words.ts';
import type { Deps } from '../requests/request.ts';
import { editTranscript } from './document.ts';
import { transcriptOf } from './live.ts';

export const isTranscript = (uri: vscode.Uri): boolean => uri.scheme === 'file' && /\.earshot\.json$/i.test(uri.path);

type Decision = NonNullable<Export['ifEdited']>;

export function followSaves(deps: Deps): vscode.Disposable {
  const { daemon, log } = deps;
  /** Files that were asked about: whoever does not answer is not asked at every save. */
  const asked = new Set<string>();

  const follow = async (document: vscode.TextDocument, look: boolean): Promise<void> => {
    if (!isTranscript(document.uri) || !vscode.workspace.isTrusted) return;
    // Most transcripts have none, and a long one takes a while to read.
    if (!document.getText().includes('"exports"') || !(await transcriptOf(document))?.exports?.length) return;
    await daemon.start();
    const { files } = await daemon.call('transcript/export', {
      path: document.uri.fsPath,
      ...(look ? { look: true } : {}),
    });
    if (!look) for (const file of files) say(document, file);
  };
  const say = (document: vscode.TextDocument, file: ExportedFile): void => {
    const name = vscode.workspace.asRelativePath(file.path);
    if (file.state === 'inUse') notify.warn(vscode.l10n.t('{0} was not updated: another program has it open.', name));
    if (file.conflicts)
      notify.info(
        file.conflicts === 1
          ? vscode.l10n.t(
              '{0}: one place was changed here and in the transcript; what stood in the file was kept.',
              name,
            )
          : vscode.l10n.t(
              '{0}: {1} places were changed here and in the transcript; what stood in the file was kept.',
              name,
              file.conflicts,
            ),
      );
    if (file.state === 'edited') ask(document, file, name);
  };
  const ask = (document: vscode.TextDocument, file: ExportedFile, name: string): void => {
    const decide = (title: string, ifEdited: Decision) => ({
      title,
      run: () => decided(document, file.path, ifEdited),
    });
    void (async () => {
      const [known] = ((await transcriptOf(document))?.exports ?? []).filter(each =>
        leadsTo(document.uri, each, file.path),
      );
      // Decided already: it is kept, or what it was cannot be known any more.
      if (!known || known.ifEdited === 'keep' || asked.has(file.path)) return;
      asked.add(file.path);
      notify.warn(
        vscode.l10n.t('{0} was changed by hand, so it does not follow the transcript. What should happen to it?', name),
        decide(vscode.l10n.t('Keep It'), 'keep'),
        ...(file.canMerge ? [decide(vscode.l10n.t('Merge Both'), 'merge')] : []),
        decide(vscode.l10n.t('Replace It'), 'replace'),
      );
    })();
  };
  const decided = async (document: vscode.TextDocument, path: string, ifEdited: Decision): Promise<void> => {
    const isClean = !document.isDirty;
    asked.delete(path);
    await editTranscript(document, now => ({
      ...now,
      exports: (now.exports ?? []).map(each => (leadsTo(document.uri, each, path) ? { ...each, ifEdited } : each)),
    }));
    if (isClean) await document.save();
    else notifyBriefly(vscode.l10n.t('This happens when the transcript is saved.'), 5000);
  };
  const quietly = (document: vscode.TextDocument, look: boolean): void =>
    void follow(document, look).catch((error: unknown) => {
      log.error(errorText(error));
      if (!look) notify.error(errorText(error));
    });
  for (const document of vscode.workspace.textDocuments) quietly(document, true);
  return vscode.Disposable.from(
    vscode.workspace.onDidOpenTextDocument(document => quietly(document, true)),
    vscode.workspace.onDidSaveTextDocument(document => quietly(document, false)),
  );
}

/** Whether an entry of the transcript is of the file at `path`. */
function leadsTo(transcript: vscode.Uri, { path: named }: Export, path: string): boolean {
  const isFull = named.startsWith('/') || /^[A-Za-z]:[\\/]/.test(named) || named.startsWith('\\\\');
  return samePath(isFull ? named : vscode.Uri.joinPath(transcript, '..', named).fsPath, path);
}
