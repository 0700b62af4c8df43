/**
 * The page of a transcript, whatever the transcript is of: the page gets all of it when it appears, then what
 * changes; it plays the recording; and it can make way for another page of the same transcript.
 */
import * as vscode from 'vscode';
import type { Transcript } from '../../schemas/job.ts';
import type { FromTranscript, Place, ToTranscript } from '../../webview/messages.ts';
import { home } from '../../client/home.ts';
import type { Daemon } from '../connection/connection.ts';
import { pageHtml, pageOptions } from '../ui/page.ts';
import { receive } from '../ui/receive.ts';
import { errorText } from '../ui/words.ts';
import { Playback } from './playback.ts';
import { chapterPause } from './chapters.ts';
import { changeView, wholeView } from './view.ts';

export interface PaneOptions {
  panel: vscode.WebviewPanel;
  extensionUri: vscode.Uri;
  daemon: Daemon;
  log: vscode.LogOutputChannel;
  /** Null: it was not found. */
  recording: vscode.Uri | null;
  take(message: PaneMessage): void;
  /** Before the transcript is published to a page that has just appeared, and after. */
  greet?(): void;
  ready?(): void;
}
export type PaneMessage = Exclude<FromTranscript, { type: 'ready' | 'media' | 'left' }>;
/** How a page was left. */
export interface Left {
  place: Place;
  playing: boolean;
}

/** A page that does not answer is left without its place. */
const LEAVE_MS = 1000;

export class TranscriptPane implements vscode.Disposable {
  readonly #webview: vscode.Webview;
  readonly #recording: vscode.Uri | null;
  readonly #playback: Playback | null;
  readonly #subscriptions: vscode.Disposable[];
  #media: string | null = null;
  #playing: ToTranscript | null = null;
  /** Undefined: it is not known yet. */
  #transcript: Transcript | null | undefined;
  /** What the page shows; null: it has to get all of it. */
  #posted: Transcript | null = null;
  #ready = false;
  #onLeft: ((left: Left | null) => void) | null = null;

  constructor({ panel, extensionUri, daemon, log, recording, take, greet, ready }: PaneOptions) {
    const { webview } = panel;
    this.#webview = webview;
    this.#recording = recording;
    webview.options = pageOptions(
      vscode.Uri.joinPath(extensionUri, 'dist', 'webview'),
      ...(recording ? [vscode.Uri.joinPath(recording, '..'), vscode.Uri.file(home().playback)] : []),
    );
    this.#playback =
      recording &&
      new Playback(daemon, recording, ({ uri, ...state }) => {
        this.#media = uri && webview.asWebviewUri(uri).toString();
        this.#playing = { type: 'media', media: this.#media, ...state };
        this.post(this.#playing);
      });
    this.#subscriptions = [
      receive(
        webview,
        'FromTranscript',
        message => {
          switch (message.type) {
            case 'ready':
              this.#ready = true;
              this.#posted = null;
              greet?.();
              this.#publish();
              if (this.#playing) this.post(this.#playing);
              return ready?.();
            case 'media':
              if (message.action === 'retry') this.#playback?.start();
              else void this.#playback?.cancel().catch((error: unknown) => log.warn(errorText(error)));
              return;
            case 'left':
              return this.#onLeft?.({ place: message.place, playing: message.playing });
            default:
              take(message);
          }
        },
        log,
      ),
      // A hidden page is let go of, and says that it is ready when it shows again.
      panel.onDidChangeViewState(() => {
        if (!panel.visible) this.#ready = false;
      }),
    ];
    webview.html = pageHtml({
      webview,
      extensionUri,
      name: 'transcript',
      title: vscode.l10n.t('Transcript'),
      media: webview.cspSource,
    });
  }

  /** The page is there and listens. */
  get isReady(): boolean {
    return this.#ready;
  }

  post(message: ToTranscript): void {
    void this.#webview.postMessage(message);
  }

  /** The transcript as it is now; null: there is none that can be read. */
  show(transcript: Transcript | null): void {
    this.#transcript = transcript;
    this.#publish();
  }

  /** The page may show what was not done: it gets all of it. */
  again(): void {
    this.#posted = null;
    this.#publish();
  }

  #publish(): void {
    const now = this.#transcript;
    if (!this.#ready || now === undefined || (now && now === this.#posted)) return;
    this.post(
      now && this.#posted
        ? changeView(this.#posted, now)
        : wholeView(now, this.#recording, this.#media, chapterPause(this.#recording)),
    );
    this.#posted = now;
  }

  /** Asks the page how it is left; null: it did not say. */
  leave(): Promise<Left | null> {
    return new Promise(resolve => {
      const done = (left: Left | null): void => {
        clearTimeout(timer);
        this.#onLeft = null;
        resolve(left);
      };
      const timer = setTimeout(() => done(null), LEAVE_MS);
      this.#onLeft = done;
      this.post({ type: 'leave' });
    });
  }

  dispose(): void {
    this.#playback?.dispose();
    for (const s of this.#subscriptions) s.dispose();
    this.#onLeft?.(null);
  }
}
