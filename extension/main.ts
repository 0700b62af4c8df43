/** What the editor calls. Activation only registers; the daemon is looked for when something needs it. */
import * as vscode from 'vscode';
import { Daemon, daemonPlace } from './connection.ts';
import { DevicesPanel } from './panels/devices.ts';
import { QueuePanel } from './panels/queue.ts';
import { statusBar } from './status.ts';
import { setNames } from './words.ts';

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('Earshot', { log: true });
  const daemon = new Daemon((context.extension.packageJSON as { version: string }).version, () => daemonPlace(context.extensionPath));
  setNames({ device: id => daemon.state.devices.get(id)?.name, job: id => daemon.state.jobs.get(id)?.recording.name });
  context.subscriptions.push(
    log, daemon, statusBar(daemon),
    vscode.window.registerWebviewViewProvider('earshot.queue', new QueuePanel(daemon, context.extensionUri, log)),
    vscode.window.registerWebviewViewProvider('earshot.devices', new DevicesPanel(daemon, context.extensionUri, log)),
  );
}
