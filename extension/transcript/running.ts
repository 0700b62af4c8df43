/**
 * The transcript of a job while it is being made: read, played and searched, not edited. Once the job is over and its
 * file is there, the file opens in the place of this tab, as it was left. It does so when the tab is looked at, so that
 * nothing comes to the front by itself.
 */
import * as vscode from 'vscode';
import { dirname } from 'node:path';
import type { Job, Transcript, Utterance } from '../../schemas/job.ts';
import { isFinal } from '../../schemas/words.ts';
import type { FromTranscript } from '../../webview/messages.ts';
import type { Daemon } from '../connection/connection.ts';
import { jobRow } from '../panels/rows.ts';
import { setupText } from '../setup/progress.ts';
import { notify } from '../ui/notify.ts';
import { errorText } from '../ui/words.ts';
import type { TranscriptEditor } from './editor.ts';
import { TranscriptPane, type PaneMessage } from './pane.ts';
import { shownText } from './shown-text.ts';
import { modelName } from '../connection/mirror.ts';

const TYPE = 'earshot.running';
/** Utterances that come together are published together. */
const TOGETHER_MS = 60;

interface RunningDeps {
  extensionUri: vscode.Uri;
  daemon: Daemon;
  editor: TranscriptEditor;
  log: vscode.LogOutputChannel;
}

export class RunningTranscripts implements vscode.WebviewPanelSerializer, vscode.Disposable {
  readonly #deps: RunningDeps;
  readonly #views = new Map<string, RunningView>();
  readonly #registration: vscode.Disposable;

  constructor(deps: RunningDeps) {
    this.#deps = deps;
    this.#registration = vscode.window.registerWebviewPanelSerializer(TYPE, this);
  }

  /** Shows the transcript of a job that is not over. */
  async open(job: Job): Promise<void> {
    const there = this.#views.get(job.id);
    if (there) return there.reveal();
    const panel = vscode.window.createWebviewPanel(TYPE, job.recording.name, vscode.ViewColumn.Active);
    await this.#show(panel, job.id, job);
  }

  /** The tab of a job's transcript is in view. */
  isVisible(job: string): boolean {
    return this.#views.get(job)?.isVisible ?? false;
  }

  /** After a reload of the window; the page remembers whose it is. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { job } = (state ?? {}) as { job?: unknown };
    if (typeof job !== 'string') return panel.dispose();
    try {
      await this.#deps.daemon.start();
      await this.#show(panel, job, (await this.#deps.daemon.call('job/get', { id: job })).job);
    } catch (error) {
      this.#deps.log.warn(errorText(error));
      panel.dispose(); // its job is no longer known
    }
  }

  async #show(panel: vscode.WebviewPanel, id: string, job: Job): Promise<void> {
    const view = new RunningView(panel, job, await recordingOf(job), this.#deps);
    this.#views.set(id, view);
    panel.onDidDispose(() => {
      view.dispose();
      if (this.#views.get(id) === view) this.#views.delete(id);
    });
  }

  dispose(): void {
    this.#registration.dispose();
  }
}

async function recordingOf({ recording: { path } }: Job): Promise<vscode.Uri | null> {
  const uri = vscode.Uri.file(path);
  return vscode.workspace.fs.stat(uri).then(
    ({ type }) => (type & vscode.FileType.File ? uri : null),
    () => null,
  );
}

class RunningView implements vscode.Disposable {
  readonly #panel: vscode.WebviewPanel;
  readonly #deps: RunningDeps;
  readonly #pane: TranscriptPane;
  readonly #utterances = new Map<number, Utterance>();
  readonly #subscriptions: vscode.Disposable[];
  #job: Job;
  #timer: NodeJS.Timeout | null = null;
  #said = '';
  /** It becomes a file just now; or could not. */
  #leaving = false;
  #problem: string | null = null;
  /** The daemon has it no longer. */
  #gone = false;
  #disposed = false;

  constructor(panel: vscode.WebviewPanel, job: Job, recording: vscode.Uri | null, deps: RunningDeps) {
    const { daemon, extensionUri, log } = deps;
    this.#panel = panel;
    this.#job = job;
    this.#deps = deps;
    panel.title = job.recording.name;
    this.#pane = new TranscriptPane({
      panel,
      extensionUri,
      daemon,
      log,
      recording,
      take: message => this.#take(message),
      greet: () => this.#say(true),
      ready: () => void this.#becomeFile(),
    });
    this.#subscriptions = [
      daemon.watchUtterances(job.id),
      daemon.onUtterance(({ job: of, utterance }) => {
        if (of === job.id) this.#hear([utterance]);
      }),
      daemon.onSubscribed(jobs => {
        if (jobs.has(job.id)) void this.#catchUp();
      }),
      daemon.onChange(change => {
        if (change.all || change.queue || change.jobs.has(job.id) || change.removed.has(job.id)) this.#look();
      }),
    ];
    this.#say(false);
    this.#show();
    void this.#catchUp();
  }

  get isVisible(): boolean {
    return this.#panel.visible;
  }

  reveal(): void {
    this.#panel.reveal();
  }

  #hear(utterances: readonly Utterance[]): void {
    for (const u of utterances) if (u.asr || u.failed) this.#utterances.set(u.index, u);
    this.#timer ??= setTimeout(() => this.#show(), TOGETHER_MS);
  }

  #show(): void {
    this.#timer = null;
    if (!this.#disposed) this.#pane.show(this.#transcript);
  }

  get #transcript(): Transcript {
    const {
      recording: { path, name, durationMs },
      language,
      options,
      models,
    } = this.#job;
    return {
      earshot: 1,
      recording: { path, name, durationMs },
      language: language ?? null,
      translatedTo: options.translateTo ?? null,
      models,
      utterances: [...this.#utterances.values()].sort((a, b) => a.index - b.index),
      warnings: [],
    };
  }

  async #catchUp(): Promise<void> {
    try {
      this.#hear((await this.#deps.daemon.call('job/utterances', { id: this.#job.id })).utterances);
    } catch (error) {
      this.#deps.log.warn(errorText(error)); // it is read again once the connection is back
    }
  }

  #look(): void {
    const now = this.#deps.daemon.state.jobs.get(this.#job.id);
    // Taken off the list: what was heard stays to be read.
    this.#gone = !now && this.#deps.daemon.connection.kind === 'connected';
    if (!now) return this.#say(false);
    const ended = isFinal(now.state) && !isFinal(this.#job.state),
      longer = now.recording.durationMs !== this.#job.recording.durationMs;
    this.#job = now;
    if (!isFinal(now.state)) this.#problem = null;
    this.#say(false);
    if (longer) this.#pane.again();
    // The last words, and who said them.
    if (ended) void this.#catchUp().then(() => this.#becomeFile());
  }

  /** Says how far the job is, where that is news. */
  #say(anew: boolean): void {
    const job = this.#job,
      model = (id: string): string => modelName(this.#deps.daemon.state, id),
      row = jobRow(job, model),
      run = {
        row,
        paused: this.#deps.daemon.state.queuePaused,
        note: this.#gone
          ? vscode.l10n.t('The job is no longer in the queue.')
          : (this.#problem ?? setupText(job) ?? row.note?.text ?? null),
        gone: this.#gone,
        canOpen: job.state === 'completed' && !this.#leaving && vscode.workspace.isTrusted,
      },
      text = JSON.stringify(run);
    if (text === this.#said && !anew) return;
    this.#said = text;
    this.#pane.post({ type: 'run', run });
  }

  /** Opens the job's file here, where the job wrote one. */
  async #becomeFile(): Promise<void> {
    const json = this.#job.outputs.some(({ path }) => path.endsWith('.earshot.json'));
    if (this.#job.state === 'completed' && json && this.#panel.visible && this.#pane.isReady) await this.#openFile();
  }

  async #openFile(): Promise<void> {
    if (this.#leaving || this.#disposed || !vscode.workspace.isTrusted) return;
    this.#leaving = true;
    this.#say(false);
    try {
      const { path } = await this.#deps.daemon.call('job/write', {
          id: this.#job.id,
          format: 'json',
          directory: dirname(this.#job.recording.path),
        }),
        left = this.#pane.isReady ? await this.#pane.leave() : null;
      await this.#deps.editor.openInPlaceOf(this.#panel, vscode.Uri.file(path), left);
      if (!this.#disposed) this.#panel.dispose();
    } catch (error) {
      this.#problem = errorText(error);
      this.#leaving = false;
      this.#say(false);
    }
  }

  #take(message: PaneMessage): void {
    const work = async (): Promise<unknown> => {
      switch (message.type) {
        case 'job':
          return message.action === 'open' ? this.#openFile() : this.#do(message.action);
        case 'copy': {
          const wanted = message.indexes && new Set(message.indexes);
          return vscode.env.clipboard.writeText(shownText(this.#transcript, wanted, message.times));
        }
        default:
          return undefined; // nothing is edited here
      }
    };
    work().catch((error: unknown) => {
      this.#deps.log.error(errorText(error));
      notify.error(errorText(error));
    });
  }

  async #do(action: Exclude<Extract<FromTranscript, { type: 'job' }>['action'], 'open'>): Promise<void> {
    await this.#deps.daemon.call(`job/${action}`, { ids: [this.#job.id] });
  }

  dispose(): void {
    this.#disposed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#pane.dispose();
    for (const s of this.#subscriptions) s.dispose();
  }
}
