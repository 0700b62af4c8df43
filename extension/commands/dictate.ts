/**
 * *Earshot: Dictate*: what is said into the microphone appears at the cursor. One at a time in a window; the same
 * command, Escape or the status bar end it.
 *
 * The words are a live session's, so they come while one speaks and are repaired in place afterwards. They follow the
 * cursor: where somebody clicks, or types on, what is said next goes, while what was said before is still repaired
 * where it stands. Each such place is a stream of its own (streaming/).
 */
import * as vscode from 'vscode';
import type { LiveFeed } from '../../client/live-feed.ts';
import type { Recording } from '../../client/microphone.ts';
import { isFinal } from '../../schemas/words.ts';
import type { Template } from '../streaming/layout.ts';
import type { Stream } from '../streaming/stream.ts';
import { gapText } from '../streaming/streams.ts';
import { ensureRecognizer } from '../setup/first-run.ts';
import { withGlossary } from '../requests/glossary.ts';
import { confirm, notify } from '../ui/notify.ts';
import { errorText, shownName } from '../ui/words.ts';
import { settled } from '../requests/options.ts';
import type { Deps } from '../requests/request.ts';

const METER_MS = 120;

interface Session {
  job: string;
  recording: Recording;
  feed: LiveFeed;
  document: vscode.TextDocument;
  stream: Stream;
  level: number;
  since: number;
  ending: boolean;
}

export class Dictation implements vscode.Disposable {
  readonly #deps: Deps;
  readonly #item: vscode.StatusBarItem;
  readonly #subscriptions: vscode.Disposable[];
  #session: Session | null = null;
  #starting = false;
  #timer: NodeJS.Timeout | null = null;
  /** Whose microphone it is was said in this window. */
  #warned = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#item = vscode.window.createStatusBarItem('earshot.dictation', vscode.StatusBarAlignment.Left, 41);
    this.#item.name = vscode.l10n.t('Earshot: Dictation');
    this.#item.command = 'earshot.dictate';
    this.#subscriptions = [this.#item, vscode.window.onDidChangeTextEditorSelection(event => this.#moved(event))];
  }

  /** Begins, or ends what was begun. */
  async toggle(): Promise<void> {
    if (this.#session) return this.stop();
    if (this.#starting) return;
    this.#starting = true;
    try {
      await this.#begin();
    } finally {
      this.#starting = false;
    }
  }

  /** No more is recorded; resolves when the last words are in the document. */
  async stop(): Promise<void> {
    const session = this.#session;
    if (!session || session.ending) return;
    session.ending = true;
    session.recording.stop();
    this.#paint();
    const over = this.#over(session.job);
    await session.feed.end();
    await over;
    this.#ended(session);
  }

  dispose(): void {
    this.#session?.recording.stop();
    if (this.#timer) clearInterval(this.#timer);
    for (const each of this.#subscriptions) each.dispose();
  }

  async #begin(): Promise<void> {
    const { daemon, log } = this.#deps,
      setting = vscode.workspace.getConfiguration('earshot');
    const device = setting.get<string | null>('dictation.device', null) || undefined;
    if (device === undefined && !(await this.#mayListen())) return;
    const editor =
      vscode.window.activeTextEditor ??
      (await vscode.window.showTextDocument(
        await vscode.workspace.openTextDocument({ language: 'markdown', content: '' }),
      ));
    const { document } = editor;
    this.#item.text = `$(loading~spin) ${vscode.l10n.t('Dictation')}`;
    this.#item.show();
    try {
      const [{ LiveFeed }, { loudness, record }] = await Promise.all([
        import('../../client/live-feed.ts'),
        import('../../client/microphone.ts'),
      ]);
      // No speakers are labeled: whoever dictates speaks alone.
      const {
        translateTo,
        outputs: _none,
        speakers: _alone,
        ...options
      } = await withGlossary(this.#home(document), settled(document.uri).options);
      if (!(await ensureRecognizer(daemon, options))) {
        this.#item.hide();
        return;
      }
      const { ffmpeg } = await daemon.call('live/recorder', {});
      const { job } = await daemon.call('live/open', {
        format: 'pcm',
        name: vscode.l10n.t('Dictation'),
        partials: setting.get('dictation.partials', true),
        options: { ...options, ...(translateTo && setting.get('dictation.translate', false) ? { translateTo } : {}) },
      });
      if (!daemon.state.jobs.has(job.id)) daemon.state.jobs.set(job.id, job);
      const feed = new LiveFeed(job.id, {
        append: params => daemon.call('live/append', params),
        close: params => daemon.call('live/close', params),
      });
      const session: Session = {
        job: job.id,
        recording: record(ffmpeg, device),
        feed,
        document,
        level: 0,
        since: Date.now(),
        ending: false,
        stream: this.#place(job.id, document, document.offsetAt(editor.selection.active), 0),
      };
      this.#session = session;
      void vscode.commands.executeCommand('setContext', 'earshot.dictating', true);
      this.#timer = setInterval(() => this.#paint(), METER_MS);
      this.#paint();
      const pour = async (): Promise<void> => {
        for await (const chunk of session.recording.sound) {
          session.level = Math.max(loudness(chunk), session.level * 0.8);
          feed.push(chunk);
        }
      };
      // The microphone went away, the session was cancelled, or a file that stands in for it is over: what was said so
      // far stays.
      Promise.race([pour(), feed.failed])
        .then(
          () => this.stop(),
          async (error: unknown) => {
            log.error(String(error));
            notify.error(errorText(error));
            session.recording.stop();
            await feed.end().catch(() => {});
            this.#ended(session);
          },
        )
        .catch((error: unknown) => log.error(String(error)));
    } catch (error) {
      this.#item.hide();
      throw error;
    }
  }

  /** Whose glossary holds: the document's, or the workspace's for one that is nowhere yet. */
  #home(document: vscode.TextDocument): vscode.Uri {
    const folder = vscode.workspace.workspaceFolders?.[0];
    return document.uri.scheme === 'file' || !folder ? document.uri : vscode.Uri.joinPath(folder.uri, 'dictation');
  }

  /** Where the microphone is not that of the keyboard, people must know. */
  async #mayListen(): Promise<boolean> {
    const place =
      vscode.env.remoteName ??
      (vscode.env.uiKind === vscode.UIKind.Web ? vscode.l10n.t('the server of this page') : null);
    if (place === null || this.#warned) return true;
    this.#warned = await confirm(
      vscode.l10n.t('This window is connected to another machine ({0}).', place),
      vscode.l10n.t('Dictate Anyway'),
      vscode.l10n.t(
        'The microphone would be that machine’s, not the one in front of you. To use yours, dictate in a local window.',
      ),
    );
    return this.#warned;
  }

  /** What is said from utterance `from` on, at this place. */
  #place(job: string, document: vscode.TextDocument, origin: number, from: number): Stream {
    const template: Template = {
      format: document.languageId === 'markdown' ? 'markdown' : 'text',
      timestamps: 'none',
      paragraphPauseMs: Number.MAX_SAFE_INTEGER,
      translation: 'instead',
      heading: null,
      gap: gapText,
      speaker: shownName,
    };
    const stream = this.#deps.streams.start(job, document, template, origin, undefined, from);
    stream.onEnded(how => {
      if ((how === 'takenBack' || how === 'unwanted') && this.#session?.stream === stream) void this.stop();
    });
    return stream;
  }

  /** Somebody clicked or typed elsewhere: what is said next goes there. */
  #moved({ textEditor, kind, selections }: vscode.TextEditorSelectionChangeEvent): void {
    const session = this.#session;
    if (
      !session ||
      session.ending ||
      textEditor.document !== session.document ||
      kind === undefined ||
      kind === vscode.TextEditorSelectionChangeKind.Command
    )
      return;
    const at = session.document.offsetAt(selections[0]!.active);
    if (session.stream.isAt(at) || session.stream.moveTo(at)) return;
    const { next } = session.stream;
    session.stream.limit(next);
    session.stream = this.#place(session.job, session.document, at, next);
  }

  #paint(): void {
    const session = this.#session;
    if (!session) return this.#item.hide();
    const s = Math.floor((Date.now() - session.since) / 1000),
      clock = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`,
      bars = '▁▂▃▄▅▆▇█';
    session.level *= 0.9;
    this.#item.text = session.ending
      ? `$(loading~spin) ${vscode.l10n.t('finishing the last words…')}`
      : `$(record) ${clock} ${bars[Math.min(7, Math.floor(session.level * 8))]!}`;
    this.#item.tooltip = vscode.l10n.t('Earshot is listening and writes at the cursor. Click or press Escape to stop.');
    this.#item.backgroundColor = session.ending ? undefined : new vscode.ThemeColor('statusBarItem.errorBackground');
    this.#item.show();
  }

  /** Resolves when the job is over. */
  #over(job: string): Promise<void> {
    const { daemon } = this.#deps;
    return new Promise(resolve => {
      const look = (): void => {
        const now = daemon.state.jobs.get(job);
        if (!now || isFinal(now.state)) {
          watch.dispose();
          resolve();
        }
      };
      const watch = daemon.onChange(look);
      look();
    });
  }

  #ended(session: Session): void {
    if (this.#session !== session) return;
    this.#session = null;
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    void vscode.commands.executeCommand('setContext', 'earshot.dictating', false);
    this.#paint();
  }
}
