/** The queue panel: the mirror's jobs as rows, and what people do there as calls. */
import * as vscode from 'vscode';
import type { Params } from '../../schemas/rpc.ts';
import { isFinal } from '../../schemas/words.ts';
import type { FromQueue, JobAction, PanelCommand, ToQueue } from '../../webview/messages.ts';
import { fromUriList } from '../requests/recordings.ts';
import type { Daemon } from '../connection/connection.ts';
import { modelsReady } from '../connection/mirror.ts';
import { jobRow } from './rows.ts';
import { errorText } from '../ui/words.ts';
import { connectionView } from './connection-view.ts';
import { notify } from '../ui/notify.ts';
import { receive } from '../ui/receive.ts';
import { pageHtml, pageOptions } from '../ui/page.ts';

/** Many updates a second become ten repaints. */
const DELTA_MS = 100;
/** Rows in one message: some milliseconds of work on either side. */
const PART = 250;

const METHOD: Readonly<
  Record<Exclude<JobAction, 'open'>, 'job/pause' | 'job/resume' | 'job/cancel' | 'job/retry' | 'job/remove'>
> = { pause: 'job/pause', resume: 'job/resume', cancel: 'job/cancel', retry: 'job/retry', remove: 'job/remove' };

export const PANEL_COMMANDS: Readonly<
  Record<Exclude<PanelCommand, 'start' | 'clearFinished' | 'pauseQueue' | 'resumeQueue'>, string>
> = {
  pick: 'earshot.transcribe',
  sample: 'earshot.trySample',
  models: 'earshot.models.focus',
  doctor: 'earshot.doctor',
  log: 'earshot.showLog',
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
    const post = (message: ToQueue): void => void webview.postMessage(message);
    let ready = false;
    const changed = new Set<string>(),
      removed = new Set<string>();
    let timer: NodeJS.Timeout | null = null;

    const state = (): { paused: boolean; connection: ReturnType<typeof connectionView>; modelsReady: boolean } => ({
      paused: this.#daemon.state.queuePaused,
      connection: connectionView(this.#daemon.connection),
      modelsReady: modelsReady(this.#daemon.state),
    });
    /** Which snapshot is being sent, if one is: a newer one ends it, and changes meanwhile follow behind it. */
    let sending: symbol | null = null;
    const snapshot = async (): Promise<void> => {
      const mine = (sending = Symbol('snapshot')),
        ids = [...this.#daemon.state.jobs.keys()];
      changed.clear();
      removed.clear();
      for (let at = 0; sending === mine; at += PART) {
        const last = at + PART >= ids.length;
        post({
          type: 'snapshot',
          rows: ids
            .slice(at, at + PART)
            .flatMap(id => this.#daemon.state.jobs.get(id) ?? [])
            .map(jobRow),
          first: at === 0,
          last,
          ...state(),
        });
        if (last) break;
        await new Promise(resolve => setImmediate(resolve));
      }
      if (sending !== mine) return;
      sending = null;
      flush();
    };
    const flush = (): void => {
      timer = null;
      if (!ready || !view.visible || sending) return;
      if (changed.size || removed.size) {
        post({
          type: 'delta',
          rows: [...changed].flatMap(id => this.#daemon.state.jobs.get(id) ?? []).map(jobRow),
          removed: [...removed],
        });
        changed.clear();
        removed.clear();
      }
      this.#badge(view);
    };
    const subscriptions = [
      this.#daemon.onChange(change => {
        if (!ready || !view.visible) return;
        if (change.all) return void snapshot();
        for (const id of change.jobs) {
          changed.add(id);
          removed.delete(id);
        }
        for (const id of change.removed) {
          removed.add(id);
          changed.delete(id);
        }
        if (change.queue) post({ type: 'state', ...state() });
        if (changed.size || removed.size) timer ??= setTimeout(flush, DELTA_MS);
      }),
      this.#daemon.onConnection(() => {
        if (ready && view.visible) post({ type: 'state', ...state() });
      }),
      view.onDidChangeVisibility(() => {
        if (view.visible && ready) void snapshot();
      }),
      receive(
        webview,
        'FromQueue',
        message => {
          if (message.type === 'ready') {
            ready = true;
            void snapshot();
            return void this.#daemon.start().catch(error => this.#log.error(errorText(error)));
          }
          void this.#act(message).catch(error => {
            this.#log.error(errorText(error));
            notify.error(errorText(error));
          });
        },
        this.#log,
      ),
    ];
    view.onDidDispose(() => {
      sending = null;
      if (timer) clearTimeout(timer);
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
