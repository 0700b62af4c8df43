/**
 * The editor of `.earshot.json` files: the text document is the truth, the page shows it, and every change is an edit
 * that undo knows.
 */
import * as vscode from 'vscode';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { Transcript } from '../../schemas/job.ts';
import type { PageCommand, ToTranscript } from '../../webview/messages.ts';
import { samePath } from '../../client/same-path.ts';
import type { Daemon } from '../connection/connection.ts';
import type { Streams } from '../streaming/streams.ts';
import { rememberVoices } from '../requests/voices.ts';
import { notify, notifyBriefly } from '../ui/notify.ts';
import { errorText } from '../ui/words.ts';
import { act, type Action } from './actions.ts';
import { pickChapter } from './chapters.ts';
import { renamed } from './edits.ts';
import { follow, parseTranscript, transcriptOf } from './live.ts';
import { RELOAD_MS, summaryView } from './summary.ts';
import { MOST_TRANSCRIPT_BYTES } from './known.ts';
import { readText } from '../ui/files.ts';
import { TranscriptPane, type Left } from './pane.ts';

/** What a command does to an utterance: in the page, or to the document at once. */
type Does = { page: PageCommand } | { act: (index: number, atMs: number) => Action } | { pick: 'chapter' };
const COMMANDS: Record<string, Does> = {
  edit: { page: 'edit' },
  comment: { page: 'comment' },
  play: { page: 'play' },
  loop: { page: 'loop' },
  split: { page: 'split' },
  find: { page: 'find' },
  shortcuts: { page: 'shortcuts' },
  chapter: { pick: 'chapter' },
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
  /** How the page was left in whose place a transcript opens. */
  readonly #left = new Map<string, Left>();
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

  /** Opens a transcript where another page of it is, as that was left; null: it did not say. */
  async openInPlaceOf({ active, viewColumn }: vscode.WebviewPanel, uri: vscode.Uri, left: Left | null): Promise<void> {
    const key = uri.toString();
    if (left && !this.#open.has(key)) this.#left.set(key, left);
    const where = { ...(viewColumn === undefined ? {} : { viewColumn }), preserveFocus: !active, preview: false };
    await vscode.commands.executeCommand('vscode.openWith', uri, 'earshot.transcript', where);
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
    const folder = vscode.Uri.file(dirname(document.uri.fsPath)),
      first = await transcriptOf(document);
    // The recording is where the file says, or beside it when both were moved. An untrusted workspace does not choose
    // what is opened elsewhere.
    const recording = first && (await this.#recording(first, folder)),
      around = { daemon: this.#daemon, recording };
    let shown = first,
      sent = '',
      /** The utterance in focus. */ focus = -1,
      again: NodeJS.Timeout | undefined;
    const key = document.uri.toString(),
      go = (moment: Moment): void => {
        this.#wanted.delete(key);
        pane.post({ type: 'goto', ...moment });
      };
    const pane = new TranscriptPane({
      panel,
      extensionUri: this.#extensionUri,
      daemon: this.#daemon,
      log: this.#log,
      recording,
      greet: () => {
        sent = '';
        const left = this.#left.get(key);
        this.#left.delete(key);
        if (left) pane.post({ type: 'arrive', ...left });
      },
      ready: () => {
        postSummary();
        this.#open.set(key, go);
        const moment = this.#wanted.get(key);
        if (moment) go(moment);
      },
      take: message => {
        if (message.type === 'focus') focus = message.index;
        else if (message.type !== 'job')
          act(document, message, around).catch((error: unknown) => {
            this.#log.error(errorText(error));
            notify.error(errorText(error));
            pane.again();
          });
      },
    });
    const postSummary = (): void => {
      const summary = shown
          ? summaryView(this.#daemon.state, shown, document.uri.fsPath)
          : { made: null, making: null, canMake: false },
        text = JSON.stringify(summary);
      if (pane.isReady && text !== sent) {
        pane.post({ type: 'summary', summary });
        sent = text;
      }
      clearTimeout(again);
      if (summary.making !== null) again = setTimeout(postSummary, RELOAD_MS);
    };
    const show = async (): Promise<void> => {
      shown = await transcriptOf(document);
      pane.show(shown);
      postSummary();
    };
    pane.show(first);
    // What was saved last; names given since are remembered once they are saved too.
    let saved = document.isDirty ? await parseTranscript(await textAt(document.uri)) : first;
    const subscriptions = [
      pane,
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
        if (event.document === document && event.contentChanges.length) void follow(event).then(show);
      }),
      this.#daemon.onChange(change => {
        if (change.all || change.jobs.size || change.removed.size) postSummary();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(postSummary),
    ];
    const front = {
      panel,
      command: async (does: Does, index: number | null): Promise<void> => {
        if ('page' in does) return pane.post({ type: 'command', command: does.page, index } satisfies ToTranscript);
        if ('pick' in does) {
          const now = await transcriptOf(document),
            chapter = now && (await pickChapter(now, recording));
          if (chapter) go({ index: chapter.index, atMs: chapter.startMs });
          return;
        }
        const at = index ?? focus,
          u = (await transcriptOf(document))?.utterances.find(each => each.index === at);
        if (u) await act(document, does.act(u.index, u.startMs), around);
      },
    };
    const inFront = (): void => {
      if (panel.active) this.#front = front;
      else if (this.#front === front) this.#front = null;
    };
    inFront();
    panel.onDidChangeViewState(() => {
      inFront();
      if (!panel.visible && this.#open.get(key) === go) this.#open.delete(key);
    });
    panel.onDidDispose(() => {
      clearTimeout(again);
      if (this.#front === front) this.#front = null;
      if (this.#open.get(key) === go) this.#open.delete(key);
      for (const s of subscriptions) s.dispose();
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
