/**
 * Machine settings of the editor that somebody set, sent to the daemon; what nobody set here stays as the command line
 * left it.
 */
import * as vscode from 'vscode';
import { IN_EDITOR, inEditor } from '../../schemas/settings.ts';
import type { Daemon } from './connection.ts';
import { notify } from '../ui/notify.ts';
import { errorText } from '../ui/words.ts';

const SECTION = 'earshot.machine';

/** Only values of the user's own settings count: a workspace has no say in what runs on the machine. */
export function machineValues(setting: Pick<vscode.WorkspaceConfiguration, 'inspect'>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of IN_EDITOR) {
    const shown = inEditor(name),
      value: unknown = setting.inspect(shown.name)?.globalValue;
    // An empty field: as if nothing were set.
    if (value === '') values[name] = null;
    else if (value !== undefined) values[name] = shown.unit === 1 ? value : Number(value) * shown.unit;
  }
  return values;
}

export function machineSettings(daemon: Daemon, log: vscode.LogOutputChannel): vscode.Disposable {
  let sent: string | null = null;
  const send = async (): Promise<void> => {
    if (daemon.connection.kind !== 'connected') return;
    const values = machineValues(vscode.workspace.getConfiguration(SECTION)),
      text = JSON.stringify(values);
    if (text === sent || text === '{}') return;
    sent = text;
    try {
      await daemon.call('settings/set', { values });
    } catch (error) {
      sent = null;
      log.error(errorText(error));
      notify.error(errorText(error));
    }
  };
  return vscode.Disposable.from(
    daemon.onConnection(connection => {
      if (connection.kind === 'connected') void send();
      else sent = null;
    }),
    vscode.workspace.onDidChangeConfiguration(event => {
      if (event.affectsConfiguration(SECTION)) void send();
    }),
  );
}
