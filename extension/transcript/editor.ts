/**
 * The editor of `.earshot.json` files: the text document is the truth, the page shows it, and every change is an edit
 * that undo knows.
 */
import * as vscode from 'vscode';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { sourceText, translatedText, type Transcript, type Utterance } from '../../schemas/job.ts';
import type { FromTranscript, ToTranscript, UtteranceView } from '../../webview/messages.ts';
import { samePath } from '../../client/same-path.ts';
import { FILE_ENDINGS, template } from '../requests/options.ts';
import { receive } from '../ui/receive.ts';
import { pageHtml, pageOptions } from '../ui/page.ts';
import { layout, type Template } from '../streaming/layout.ts';
import type { Daemon } from '../connection/connection.ts';
import type { Streams } from '../streaming/streams.ts';
import { rememberVoices } from '../requests/voices.ts';
import { notify, notifyBriefly } from '../ui/notify.ts';
import { errorText, failureText } from '../ui/words.ts';
import { editTranscript, parseTranscript } from './document.ts';
import {
  accept,
  merge,
  renamed,
  replaceAll,
  setSpeaker,
  setText,
  setTranslation,
  speakersIn,
  takeBack,
  turnOf,
} from './edits.ts';
import { askSpeaker, shownName } from './speakers.ts';
import { spokenApart } from '../../text/transcripts/turns.ts';
import { RELOAD_MS, summaryUnderWay, summaryView } from './summary.ts';
import { pick } from '../ui/pick.ts';
import { MOST_TRANSCRIPT_BYTES } from './known.ts';
import { readText, writeText } from '../ui/files.ts';

/** A place in a transcript. */
export interface Moment {
  index: number;
  atMs: number;
}

const VIDEO = /\.(mp4|m4v|mov|mkv|webm|avi|mpeg|mpg|wmv)$/i;

export class TranscriptEditor implements vscode.CustomTextEditorProvider {
  readonly #extensionUri: vscode.Uri;
  readonly #daemon: Daemon;
  readonly #streams: Streams;
  readonly #log: vscode.LogOutputChannel;
  /** Panels that can receive, and where those that are not there yet will begin. */
  readonly #open = new Map<string, (moment: Moment) => void>();
  readonly #wanted = new Map<string, Moment>();

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

  async resolveCustomTextEditor(document: vscode.TextDocument, panel: vscode.WebviewPanel): Promise<void> {
    const { webview } = panel,
      folder = vscode.Uri.file(dirname(document.uri.fsPath)),
      first = await parseTranscript(document.getText());
    // The recording is where the file says, or beside it when both were moved. An untrusted workspace does not choose
    // what is opened elsewhere.
    const recording = first && (await this.#recording(first, folder));
    const roots = [
      vscode.Uri.joinPath(this.#extensionUri, 'dist', 'webview'),
      ...(recording ? [vscode.Uri.joinPath(recording, '..')] : []),
    ];
    webview.options = pageOptions(...roots);
    let shown = first,
      sent = '',
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
    const post = async (): Promise<void> => {
      shown = await parseTranscript(document.getText());
      void webview.postMessage(this.#message(shown, webview, recording ?? null));
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
          now = (saved = await parseTranscript(document.getText()));
        if (before && now)
          await this.#named(document.uri, recording ?? document.uri, before, now).catch(error =>
            this.#log.warn(String(error)),
          );
      }),
      vscode.workspace.onDidChangeTextDocument(event => {
        if (event.document === document && event.contentChanges.length) void post();
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
            return void post().then(ready);
          }
          this.#act(document, message).catch((error: unknown) => {
            this.#log.error(errorText(error));
            notify.error(errorText(error));
          });
        },
        this.#log,
      ),
    ];
    // A hidden page is let go of, and says that it is ready when it shows again.
    panel.onDidChangeViewState(() => {
      if (!panel.visible && this.#open.get(key) === go) this.#open.delete(key);
    });
    panel.onDidDispose(() => {
      clearTimeout(again);
      if (this.#open.get(key) === go) this.#open.delete(key);
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

  #message(transcript: Transcript | null, webview: vscode.Webview, recording: vscode.Uri | null): ToTranscript {
    if (!transcript)
      return {
        type: 'document',
        name: '',
        durationMs: null,
        language: null,
        translatedTo: null,
        utterances: [],
        speakers: [],
        media: null,
        video: false,
        missing: null,
        error: vscode.l10n.t('This file cannot be read as a transcript.'),
      };
    const {
      recording: { name, path, durationMs },
      language,
      translatedTo,
      utterances,
    } = transcript;
    return {
      type: 'document',
      name,
      durationMs,
      language,
      translatedTo,
      utterances: utterances.map(utteranceView),
      speakers: speakersIn(transcript).map(name => ({ name, shown: shownName(name) })),
      error: null,
      media: recording && webview.asWebviewUri(recording).toString(),
      video: VIDEO.test(name),
      missing: recording ? null : path,
    };
  }

  async #act(document: vscode.TextDocument, message: Exclude<FromTranscript, { type: 'ready' }>): Promise<void> {
    switch (message.type) {
      case 'text':
        return editTranscript(document, now => setText(now, message.index, message.text));
      case 'translation':
        return editTranscript(document, now => setTranslation(now, message.index, message.text));
      case 'takeBack':
        return editTranscript(document, now => takeBack(now, message.index, message.change));
      case 'accept':
        return editTranscript(document, now => accept(now, message.index));
      case 'speaker':
      case 'speakerEverywhere': {
        const about = message.type === 'speaker' ? { index: message.index } : { speaker: message.name };
        const shown = await parseTranscript(document.getText()),
          change = shown && (await askSpeaker(shown, about));
        return change ? editTranscript(document, change) : undefined;
      }
      case 'assign':
        return editTranscript(document, now =>
          setSpeaker(now, message.turn ? turnOf(now, message.index) : [message.index], message.name),
        );
      case 'merge':
        return editTranscript(document, now => merge(now, message.index));
      case 'replace': {
        let replaced = 0;
        await editTranscript(document, now => {
          const { transcript, count } = replaceAll(now, message.find, message.replacement);
          replaced = count;
          return count ? transcript : null;
        });
        notifyBriefly(vscode.l10n.t('{0} replaced', replaced), 4000);
        return;
      }
      case 'export': {
        const now = await parseTranscript(document.getText());
        return now ? this.#export(document, now) : undefined;
      }
      case 'summary':
        return this.#summary(document, message.action);
    }
  }

  async #summary(document: vscode.TextDocument, action: 'make' | 'stop' | 'copy'): Promise<void> {
    if (action === 'make') await vscode.commands.executeCommand('earshot.addSummary', document.uri);
    const made = action === 'copy' ? (await parseTranscript(document.getText()))?.summary : undefined;
    if (made) await vscode.env.clipboard.writeText(made.text);
    const job = action === 'stop' ? summaryUnderWay(this.#daemon.state, document.uri.fsPath) : undefined;
    if (job) await this.#daemon.call('job/cancel', { ids: [job.id] });
  }

  async #export(document: vscode.TextDocument, transcript: Transcript): Promise<void> {
    const kinds: { label: string; format: Template['format'] }[] = [
      { label: 'Markdown', format: 'markdown' },
      { label: vscode.l10n.t('plain text'), format: 'text' },
      { label: 'SubRip (.srt)', format: 'srt' },
      { label: 'WebVTT (.vtt)', format: 'vtt' },
    ];
    const kind = await pick(kinds, { title: vscode.l10n.t('Export as…') });
    if (!kind) return;
    const target = await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.file(document.uri.fsPath.replace(/\.earshot\.json$/, `.${FILE_ENDINGS[kind.format]}`)),
      title: vscode.l10n.t('Save as'),
    });
    if (!target) return;
    const shape = template(transcript.recording.path, kind.format, document.uri, true, target),
      translated = transcript.translatedTo !== null;
    const text = layout(
      transcript.utterances.flatMap(u => spokenApart(u, translated)),
      shape,
    )
      .map(p => p.text)
      .join('');
    await writeText(target, `${text.trimEnd()}\n`, { through: true });
    await vscode.window.showTextDocument(target, { viewColumn: vscode.ViewColumn.Beside, preview: true });
  }
}

function utteranceView(u: Utterance): UtteranceView {
  const text = sourceText(u);
  return {
    index: u.index,
    startMs: u.startMs,
    endMs: u.endMs,
    text,
    original: u.repair && u.asr && u.asr.text !== text ? u.asr.text : null,
    translation: u.nmt ? translatedText(u) : null,
    heard: (u.asr?.words ?? []).map(({ text: word, startMs, endMs }) => ({ text: word, startMs, endMs })),
    changes: (u.repair?.changes ?? []).map(({ before, after }) => ({ before, after })),
    failed: u.failed ? failureText(u.failed.failure) : null,
    speaker: u.speaker ?? null,
  };
}

const textAt = (uri: vscode.Uri): Promise<string> => readText(uri, MOST_TRANSCRIPT_BYTES).catch(() => '');
