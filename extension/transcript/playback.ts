/**
 * What the page plays: the recording where VS Code has a decoder for it, else a copy that the daemon makes once. Where
 * that fails, the recording as it is; what can be heard of it can.
 */
import * as vscode from 'vscode';
import type { MediaView } from '../../webview/messages.ts';
import type { Daemon } from '../connection/connection.ts';
import { errorText } from '../ui/words.ts';

/** Nothing else is in files that end so. */
const PLAYS = /\.(wav|mp3|flac)$/i;
const ASK_MS = 400;

export class Playback implements vscode.Disposable {
  readonly #daemon: Daemon;
  readonly #recording: vscode.Uri;
  readonly #show: (state: Playing) => void;
  #asking: NodeJS.Timeout | undefined;
  #run = 0;

  constructor(daemon: Daemon, recording: vscode.Uri, show: (state: Playing) => void) {
    this.#daemon = daemon;
    this.#recording = recording;
    this.#show = show;
    if (PLAYS.test(recording.path)) show({ uri: recording, ...SETTLED });
    else this.start();
  }

  /** Asks until there is something to play. */
  start(): void {
    const run = ++this.#run;
    this.#show({ uri: null, preparing: true, fraction: null, failed: null });
    void this.#ask(run).catch((error: unknown) => {
      if (run === this.#run) this.#show({ uri: this.#recording, ...SETTLED, failed: errorText(error) });
    });
  }

  async #ask(run: number): Promise<void> {
    await this.#daemon.start();
    const { path, fraction } = await this.#daemon.call('media/playable', { path: this.#recording.fsPath });
    if (run !== this.#run) return;
    if (path !== null) return this.#show({ uri: vscode.Uri.file(path), ...SETTLED });
    this.#show({ uri: null, preparing: true, fraction, failed: null });
    await new Promise(resolve => (this.#asking = setTimeout(resolve, ASK_MS)));
    if (run === this.#run) await this.#ask(run);
  }

  async cancel(): Promise<void> {
    this.dispose();
    this.#show({ uri: null, ...SETTLED, failed: vscode.l10n.t('No copy was made.') });
    await this.#daemon.call('media/cancel', { path: this.#recording.fsPath });
  }

  dispose(): void {
    this.#run += 1;
    clearTimeout(this.#asking);
  }
}

export type Playing = Omit<MediaView, 'media'> & { uri: vscode.Uri | null };
const SETTLED = { preparing: false, fraction: null, failed: null };
