/** The queue panel: the mirror's jobs as rows, and what people do there as calls. */
import * as vscode from 'vscode';
import type { Params } from '../../schemas/rpc.ts';
import { isFinal } from '../../schemas/words.ts';
import type { FromQueue, JobAction, PanelCommand } from '../../webview/messages.ts';
import { fromUriList } from '../requests/recordings.ts';
import type { Daemon } from '../connection/connection.ts';
import { modelsReady } from '../connection/mirror.ts';
import { QueueUpdates } from './queue-updates.ts';
import { errorText } from '../ui/words.ts';
import { connectionView } from './connection-view.ts';
import { notify } from '../ui/notify.ts';
import { receive } from '../ui/receive.ts';
import { pageHtml, pageOptions } from '../ui/page.ts';

const METHOD: Readonly<
  Record<
    Exclude<JobAction, 'open'>,
    'job/pause' | 'job/resume' | 'job/here' | 'job/cancel' | 'job/retry' | 'job/remove'
  >
> = {
  pause: 'job/pause',
  resume: 'job/resume',
  here: 'job/here',
  cancel: 'job/cancel',
  retry: 'job/retry',
  remove: 'job/remove',
};

export const PANEL_COMMANDS: Readonly<
  Record<Exclude<PanelCommand, 'start' | 'clearFinished' | 'pauseQueue' | 'resumeQueue'>, string>
> = {
  pick: 'earshot.transcribe',
  sample: 'earshot.trySample',
  models: 'earshot.models.focus',
  doctor: 'earshot.doctor',
  log: 'earshot.showLog',
  cancelAll: 'earshot.cancelAll',
  retryFailed: 'earshot.retryFailed',
};

export class QueuePanel implements vscode.WebviewViewProvider {
  readonly #daemon: Daemon;
  readonly #extensionUri: vscode.Uri;
  readonly #log: vscode.LogOutputChannel;

  constructor(daemon: Daemon, extensionUri: vscode.Uri, log: vscode.LogOutputChannel) {
    this.#daemon = daemon;
    this.#extensionUri = extensionUri;
    this.#log = log;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    webview.options = pageOptions(vscode.Uri.joinPath(this.#extensionUri, 'dist', 'webview'));
    const daemon = this.#daemon;
    const updates = new QueueUpdates(() => daemon.state, {
      isVisible: () => view.visible,
      post: message => void webview.postMessage(message),
      state: () => ({
        paused: daemon.state.queuePaused,
        connection: connectionView(daemon.connection),
        modelsReady: modelsReady(daemon.state),
      }),
    });
    const onMessage = (message: FromQueue): void => {
      if (message.type === 'ready') {
        updates.onReady();
        return void daemon.start().catch(error => this.#log.error(errorText(error)));
      }
      void this.#act(message).catch(error => {
        this.#log.error(errorText(error));
        notify.error(errorText(error));
      });
    };
    const subscriptions = [
      updates,
      daemon.onChange(change => {
        updates.onChange(change);
        // Also while the view is folded or another one shows.
        if (change.all || change.jobs.size || change.removed.size) this.#badge(view);
      }),
      daemon.onConnection(() => updates.sendState()),
      view.onDidChangeVisibility(() => updates.onVisibility()),
      receive(webview, 'FromQueue', onMessage, this.#log),
    ];
    view.onDidDispose(() => {
      for (const s of subscriptions) s.dispose();
    });
    webview.html = pageHtml({
      webview,
      extensionUri: this.#extensionUri,
      name: 'queue',
      title: vscode.l10n.t('Queue'),
    });
  }

  /** How many jobs are under way, on the icon in the activity bar. */
  #badge(view: vscode.WebviewView): void {
    let active = 0;
    for (const job of this.#daemon.state.jobs.values()) if (!isFinal(job.state)) active += 1;
    if ((view.badge?.value ?? 0) !== active)
      view.badge = active
        ? {
            value: active,
            tooltip:
              active === 1 ? vscode.l10n.t('One job in progress') : vscode.l10n.t('{0} jobs in progress', active),
          }
        : undefined;
  }

  async #act(message: Exclude<FromQueue, { type: 'ready' }>): Promise<void> {
    switch (message.type) {
      case 'action':
        if (message.action === 'open') await vscode.commands.executeCommand('earshot.openTranscript', message.ids[0]);
        else await this.#daemon.call(METHOD[message.action], { ids: message.ids });
        return;
      case 'move': {
        const { type: _type, ...params } = message;
        await this.#daemon.call('job/move', params as Params<'job/move'>);
        return;
      }
      case 'drop':
        return void (await vscode.commands.executeCommand(
          'earshot.transcribe',
          undefined,
          fromUriList(message.uris.join('\n')),
        ));
      case 'command':
        return this.#command(message.command);
    }
  }

  async #command(command: PanelCommand): Promise<void> {
    switch (command) {
      case 'start':
        return void (await this.#daemon.start());
      case 'pauseQueue':
        return void (await this.#daemon.call('queue/pause', {}));
      case 'resumeQueue':
        return void (await this.#daemon.call('queue/resume', {}));
      case 'clearFinished': {
        const ids = [...this.#daemon.state.jobs.values()].filter(job => isFinal(job.state)).map(job => job.id);
        if (ids.length) await this.#daemon.call('job/remove', { ids });
        return;
      }
      default:
        await vscode.commands.executeCommand(PANEL_COMMANDS[command]);
    }
  }
}
