/**
 * The editor of `.earshot.json` files: the text document is the truth, the page shows it, and every change is an edit
 * that undo knows.
 */
import * as vscode from 'vscode';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { Transcript } from '../../schemas/job.ts';
import type { PageCommand, ToTranscript } from '../../webview/messages.ts';
import { samePath } from '../../client/same-path.ts';
import { receive } from '../ui/receive.ts';
import { pageHtml, pageOptions } from '../ui/page.ts';
import type { Daemon } from '../connection/connection.ts';
import type { Streams } from '../streaming/streams.ts';
import { rememberVoices } from '../requests/voices.ts';
import { notify, notifyBriefly } from '../ui/notify.ts';
import { errorText } from '../ui/words.ts';
import { act, type Action } from './actions.ts';
import { renamed } from './edits.ts';
import { follow, parseTranscript, transcriptOf } from './live.ts';
import { RELOAD_MS, summaryView } from './summary.ts';
import { MOST_TRANSCRIPT_BYTES } from './known.ts';
import { readText } from '../ui/files.ts';
import { home } from '../../client/home.ts';
import { Playback } from './playback.ts';
import { changeView, wholeView } from './view.ts';

/** What a command does to an utterance: in the page, or to the document at once. */
type Does = { page: PageCommand } | { act: (index: number, atMs: number) => Action };
const COMMANDS: Record<string, Does> = {
  edit: { page: 'edit' },
  comment: { page: 'comment' },
  play: { page: 'play' },
  loop: { page: 'loop' },
  split: { page: 'split' },
  find: { page: 'find' },
  shortcuts: { page: 'shortcuts' },
  merge: { act: index => ({ type: 'merge', index }) },
  insert: { act: index => ({ type: 'insert', index }) },
  remove: { act: index => ({ type: 'remove', index }) },
  copy: { act: index => ({ type: 'copy', indexes: [index], times: false }) },
  copyTimes: { act: index => ({ type: 'copy', indexes: [index], times: true }) },
  copyLink: { act: (index, atMs) => ({ type: 'link', index, atMs }) },
};

/** A place in a transcript. */
export interface Moment {
  index: number;
  atMs: number;
}

export class TranscriptEditor implements vscode.CustomTextEditorProvider {
  readonly #extensionUri: vscode.Uri;
  readonly #daemon: Daemon;
  readonly #streams: Streams;
  readonly #log: vscode.LogOutputChannel;
  /** Panels that can receive, and where those that are not there yet will begin. */
  readonly #open = new Map<string, (moment: Moment) => void>();
  readonly #wanted = new Map<string, Moment>();
  /** The editor that commands are for: the one in front. */
  #front: { panel: vscode.WebviewPanel; command(does: Does, index: number | null): Promise<void> } | null = null;

  constructor(
    extensionUri: vscode.Uri,
    { daemon, streams, log }: { daemon: Daemon; streams: Streams; log: vscode.LogOutputChannel },
  ) {
    this.#extensionUri = extensionUri;
    this.#daemon = daemon;
    this.#streams = streams;
    this.#log = log;
  }

  /** Opens a transcript at a moment, or goes there where it is open. */
  async open(uri: vscode.Uri, moment: Moment): Promise<void> {
    const key = uri.toString();
    this.#wanted.set(key, moment);
    await vscode.commands.executeCommand('vscode.openWith', uri, 'earshot.transcript');
    if (this.#wanted.has(key)) this.#open.get(key)?.(moment);
  }

  /**
   * By name, the commands of the editor. A context menu says which utterance is meant; else it is the one in focus.
   */
  readonly commands: Record<string, (context?: unknown) => Promise<void>> = Object.fromEntries(
    Object.entries(COMMANDS).map(([name, does]) => [
      `transcript.${name}`,
      async (context?: unknown) => {
        const index = (context as { utterance?: unknown } | null | undefined)?.utterance;
        await this.#front?.command(does, typeof index === 'number' ? index : null);
      },
    ]),
  );

  async resolveCustomTextEditor(document: vscode.TextDocument, panel: vscode.WebviewPanel): Promise<void> {
    const { webview } = panel,
      folder = vscode.Uri.file(dirname(document.uri.fsPath)),
      first = await transcriptOf(document);
    // The recording is where the file says, or beside it when both were moved. An untrusted workspace does not choose
    // what is opened elsewhere.
    const recording = first && (await this.#recording(first, folder));
    const roots = [
      vscode.Uri.joinPath(this.#extensionUri, 'dist', 'webview'),
      ...(recording ? [vscode.Uri.joinPath(recording, '..'), vscode.Uri.file(home().playback)] : []),
    ];
    webview.options = pageOptions(...roots);
    let media: string | null = null,
      playing: ToTranscript | null = null;
    let shown = first,
      sent = '',
      /** The utterance in focus. */ focus = -1,
      again: NodeJS.Timeout | undefined;
    const postSummary = (): void => {
      const summary = shown
          ? summaryView(this.#daemon.state, shown, document.uri.fsPath)
          : { made: null, making: null, canMake: false },
        text = JSON.stringify(summary);
      if (text !== sent) void webview.postMessage({ type: 'summary', summary } satisfies ToTranscript);
      sent = text;
      clearTimeout(again);
      if (summary.making !== null) again = setTimeout(postSummary, RELOAD_MS);
    };
    /** Of which the page has what it shows; null: it has to be posted all of it. */
    let posted: Transcript | null = null;
    const post = async (): Promise<void> => {
      const now = await transcriptOf(document);
      if (now && now === posted) return;
      shown = now;
      void webview.postMessage(now && posted ? changeView(posted, now) : wholeView(now, recording ?? null, media));
      posted = now;
      postSummary();
    };
    const key = document.uri.toString(),
      go = (moment: Moment): void => {
        this.#wanted.delete(key);
        void webview.postMessage({ type: 'goto', ...moment } satisfies ToTranscript);
      };
    const ready = (): void => {
      this.#open.set(key, go);
      const moment = this.#wanted.get(key);
      if (moment) go(moment);
    };
    // What was saved last; names given since are remembered once they are saved too.
    let saved = document.isDirty ? await parseTranscript(await textAt(document.uri)) : first;
    const subscriptions = [
      vscode.workspace.onDidSaveTextDocument(async each => {
        if (each !== document) return;
        const before = saved,
          now = (saved = await transcriptOf(document));
        if (before && now)
          await this.#named(document.uri, recording ?? document.uri, before, now).catch(error =>
            this.#log.warn(String(error)),
          );
      }),
      vscode.workspace.onDidChangeTextDocument(event => {
        if (event.document === document && event.contentChanges.length) void follow(event).then(post);
      }),
      this.#daemon.onChange(change => {
        if (change.all || change.jobs.size || change.removed.size) postSummary();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(postSummary),
      receive(
        webview,
        'FromTranscript',
        message => {
          if (message.type === 'ready') {
            sent = '';
            posted = null;
            return void post().then(() => {
              if (playing) void webview.postMessage(playing);
              ready();
            });
          }
          if (message.type === 'media') {
            if (message.action === 'retry') playback?.start();
            else void playback?.cancel().catch((error: unknown) => this.#log.warn(errorText(error)));
            return;
          }
          if (message.type === 'focus') {
            focus = message.index;
            return;
          }
          act(document, message, { daemon: this.#daemon, recording: recording ?? null }).catch((error: unknown) => {
            this.#log.error(errorText(error));
            notify.error(errorText(error));
            posted = null; // the page may show already what was not done
            void post();
          });
        },
        this.#log,
      ),
    ];
    const front = {
      panel,
      command: async (does: Does, index: number | null): Promise<void> => {
        if ('page' in does) {
          void webview.postMessage({ type: 'command', command: does.page, index } satisfies ToTranscript);
          return;
        }
        const at = index ?? focus,
          u = (await transcriptOf(document))?.utterances.find(each => each.index === at);
        if (u)
          await act(document, does.act(u.index, u.startMs), { daemon: this.#daemon, recording: recording ?? null });
      },
    };
    const inFront = (): void => {
      if (panel.active) this.#front = front;
      else if (this.#front === front) this.#front = null;
    };
    inFront();
    const playback =
      recording &&
      new Playback(this.#daemon, recording, ({ uri, ...state }) => {
        media = uri && webview.asWebviewUri(uri).toString();
        playing = { type: 'media', media, ...state };
        void webview.postMessage(playing);
      });
    // A hidden page is let go of, and says that it is ready when it shows again.
    panel.onDidChangeViewState(() => {
      inFront();
      if (!panel.visible && this.#open.get(key) === go) this.#open.delete(key);
    });
    panel.onDidDispose(() => {
      clearTimeout(again);
      if (this.#front === front) this.#front = null;
      if (this.#open.get(key) === go) this.#open.delete(key);
      playback?.dispose();
      for (const s of subscriptions) s.dispose();
    });
    webview.html = pageHtml({
      webview,
      extensionUri: this.#extensionUri,
      name: 'transcript',
      title: vscode.l10n.t('Transcript'),
      media: webview.cspSource,
    });
  }

  async #recording({ recording }: Transcript, folder: vscode.Uri): Promise<vscode.Uri | null> {
    const beside = vscode.Uri.joinPath(folder, basename(recording.name)),
      named = vscode.Uri.file(isAbsolute(recording.path) ? recording.path : join(folder.fsPath, recording.path));
    for (const uri of vscode.workspace.isTrusted ? [named, beside] : [beside])
      if (
        await vscode.workspace.fs.stat(uri).then(
          ({ type }) => (type & vscode.FileType.File) !== 0,
          () => false,
        )
      )
        return uri;
    return null;
  }

  /**
   * Names that were given: their voices are remembered for the folder, and the job's other files follow, and the
   * documents with its text.
   */
  async #named(file: vscode.Uri, recording: vscode.Uri, before: Transcript, now: Transcript): Promise<void> {
    const names = renamed(before, now),
      given = new Set(Object.values(names));
    if (!given.size) return;
    const kept = await rememberVoices(
      recording,
      Object.fromEntries(Object.entries(now.speakers ?? {}).filter(([name]) => given.has(name))),
    ).catch((error: unknown) => {
      notify.warn(errorText(error));
      return null;
    });
    if (kept)
      notifyBriefly(vscode.l10n.t('Voices are remembered in {0}.', vscode.workspace.asRelativePath(kept)), 5000);
    if (!now.speakers) return; // no job of ours labeled them
    await this.#daemon.start();
    const job = [...this.#daemon.state.jobs.values()].findLast(each =>
      each.outputs.some(output => samePath(output.path, file.fsPath)),
    );
    if (!job) return;
    await this.#daemon.call('job/speakers', { id: job.id, names });
    this.#streams.followed(job.id);
  }
}

const textAt = (uri: vscode.Uri): Promise<string> => readText(uri, MOST_TRANSCRIPT_BYTES).catch(() => '');
