/** *Choose Microphone…*: what dictation records from. */
import * as vscode from 'vscode';
import type { Deps } from '../requests/request.ts';
import { withProgress } from '../ui/notify.ts';
import { pick } from '../ui/pick.ts';

export async function pickMicrophone({ daemon }: Deps): Promise<void> {
  const setting = vscode.workspace.getConfiguration('earshot'),
    current = setting.get<string>('dictation.device', '');
  const found = await withProgress(
    { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Looking for microphones…') },
    async () => {
      const [{ inputs }, { ffmpeg }] = await Promise.all([
        import('../../client/microphone.ts'),
        daemon.call('live/recorder', {}),
      ]);
      return inputs(ffmpeg);
    },
  );
  const mark = (id: string): { iconPath: vscode.ThemeIcon } => ({
    iconPath: new vscode.ThemeIcon(id === current ? 'check' : 'mic'),
  });
  const picked = await pick(
    [
      { label: vscode.l10n.t('The microphone that the system uses'), id: '', ...mark('') },
      ...found.map(({ id, name }) => ({ label: name, description: id, id, ...mark(id) })),
    ],
    { title: vscode.l10n.t('Which microphone should dictation use?'), matchOnDescription: true },
  );
  if (picked) await setting.update('dictation.device', picked.id, vscode.ConfigurationTarget.Global);
}
