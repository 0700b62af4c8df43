/**
 * The transcripts on their way into documents of this window, and those that wait for their document to be opened
 * again.
 */
import * as vscode from 'vscode';
import type { Daemon } from '../connection/connection.ts';
import { isFinal } from '../../schemas/words.ts';
import { setupText } from '../setup/progress.ts';
import { notify, notifyBriefly } from '../ui/notify.ts';
import { errorText, shownName } from '../ui/words.ts';
import type { Template } from './layout.ts';
import { refound } from './place.ts';
import { Provisional } from './provisional.ts';
import { Stream, type Kept } from './stream.ts';

const KEPT = 'earshot.streams';
const KEEP_MS = 1500,
  ADOPT_MS = 5000;

/** A stream that has ended; `kept`: the text that it left in its document, unless that was taken back. */
interface Ended {
  job: string;
  document: vscode.TextDocument;
  kept: Kept | null;
}

export class Streams implements vscode.Disposable {
  readonly #daemon: Daemon;
  readonly #memory: vscode.Memento;
  readonly #log: vscode.LogOutputChannel;
  readonly #open = new Map<Stream, vscode.Disposable>();
  /** Streams whose document is closed, or was not seen since the window was opened. */
  #parked: Kept[];
  #keepTimer: NodeJS.Timeout | null = null;
  readonly #subscriptions: vscode.Disposable[];
  readonly #provisional = new Provisional(() => this.#open.keys());

  constructor(daemon: Daemon, memory: vscode.Memento, log: vscode.LogOutputChannel) {
    this.#daemon = daemon;
    this.#memory = memory;
    this.#log = log;
    this.#parked = memory.get<Kept[]>(KEPT, []);
    this.#subscriptions = [
      vscode.workspace.onDidChangeTextDocument(event => {
        for (const stream of this.#open.keys())
          if (stream.document === event.document) {
            stream.changed(event);
            this.#provisional.draw(event.document);
            this.#keepSoon();
          }
      }),
      vscode.workspace.onDidOpenTextDocument(document => this.#unpark(document)),
      vscode.workspace.onDidCloseTextDocument(document => this.#park(document)),
      vscode.window.onDidChangeVisibleTextEditors(editors => {
        for (const stream of this.#open.keys())
          if (editors.some(e => e.document === stream.document)) {
            stream.shown();
            this.#provisional.draw(stream.document);
          }
      }),
      daemon.onUtterance(({ job, utterance }) => {
        for (const stream of this.#open.keys())
          if (stream.job === job) {
            stream.take([utterance]);
            // Not before its words stand there.
            void stream.written.then(() => this.#provisional.draw(stream.document));
          }
      }),
      daemon.onPartial(({ job, partial }) => {
        for (const stream of this.#open.keys())
          if (stream.job === job) {
            stream.hear(partial);
            this.#provisional.draw(stream.document);
          }
      }),
      // After every subscription the past is read once: what was missed, and what came before.
      daemon.onSubscribed(jobs => {
        for (const stream of this.#open.keys()) if (jobs.has(stream.job)) void this.#catchUp(stream);
      }),
      daemon.onChange(change => {
        for (const stream of this.#open.keys())
          if (change.all || change.jobs.has(stream.job)) {
            void this.#look(stream);
            this.#note(stream);
          }
      }),
    ];
    for (const document of vscode.workspace.textDocuments) this.#unpark(document);
  }

  /** Streams into the document from `origin` (its end when left out) until the job ends. */
  start(
    job: string,
    document: vscode.TextDocument,
    template: Template,
    origin?: number,
    waiting?: string,
    from?: number,
  ): Stream {
    return this.#run(
      new Stream({
        job,
        document,
        template,
        ...(origin === undefined ? {} : { origin }),
        ...(waiting === undefined ? {} : { waiting }),
        ...(from === undefined ? {} : { from }),
      }),
    );
  }

  /** The document that a job's transcript streams into, or did since the window opened. */
  documentOf(job: string): vscode.TextDocument | null {
    for (const stream of this.#open.keys()) if (stream.job === job && !stream.document.isClosed) return stream.document;
    return this.#ended.findLast(ended => ended.job === job && !ended.document.isClosed)?.document ?? null;
  }
  /** Of documents that are open still. */
  #ended: Ended[] = [];

  /** The job whose transcript went into the document; null: none that is known. */
  jobIn(document: vscode.TextDocument): string | null {
    return this.#ended.findLast(ended => ended.document === document)?.job ?? null;
  }

  /**
   * What a finished job says is another now, as who speaks: documents that have its text follow where nobody changed
   * that.
   */
  followed(job: string): void {
    for (const ended of this.#ended.filter(each => each.job === job)) {
      const { document, kept } = ended;
      if (!kept || document.isClosed || !refound(document.getText(), kept.pieces)) continue;
      this.#ended = this.#ended.filter(each => each !== ended);
      const stream = this.#resume(kept, document);
      if (document.isDirty) this.#theirs.add(stream);
    }
  }

  /** Ends every stream into the document; the text stays as it is. True when there was one. */
  stop(document: vscode.TextDocument): boolean {
    const found = [...this.#open.keys()].filter(stream => stream.document === document);
    for (const stream of found) stream.dispose();
    return found.length > 0;
  }

  get jobs(): ReadonlySet<string> {
    return new Set([...this.#open.keys()].map(s => s.job));
  }

  dispose(): void {
    this.#keep();
    for (const s of this.#subscriptions) s.dispose();
    this.#provisional.dispose();
    for (const watch of this.#open.values()) watch.dispose();
  }

  #run(stream: Stream): Stream {
    const watch = this.#daemon.watchUtterances(stream.job);
    this.#open.set(stream, watch);
    this.#note(stream);
    void vscode.commands.executeCommand('setContext', 'earshot.streaming', true);
    stream.onFailed(error => {
      this.#log.error(errorText(error));
      // The text is safe: the queue has it.
      notify.error(errorText(error), {
        title: vscode.l10n.t('Open Transcript'),
        run: () => vscode.commands.executeCommand('earshot.openTranscript', stream.job),
      });
    });
    stream.onEnded(how => {
      this.#open.delete(stream);
      this.#provisional.draw(stream.document);
      watch.dispose();
      if (how !== 'closed')
        this.#ended.push({ job: stream.job, document: stream.document, kept: how === 'done' ? stream.keep : null });
      // Undo is about the document. Whether the work goes on is another question, and its answer is yes until told.
      if (how === 'unwanted')
        notify.info(vscode.l10n.t('The transcript is not inserted here; its job continues in the queue.'), {
          title: vscode.l10n.t('Cancel Job'),
          run: () => this.#daemon.call('job/cancel', { ids: [stream.job] }),
        });
      if (how === 'takenBack')
        notifyBriefly(vscode.l10n.t('The transcript was undone; the job continues in the queue.'), 5000);
      if (!this.#open.size) void vscode.commands.executeCommand('setContext', 'earshot.streaming', false);
      this.#keepSoon();
    });
    this.#keepSoon();
    return stream;
  }

  /** Says what the first words wait for. */
  #note(stream: Stream): void {
    const note = setupText(this.#daemon.state.jobs.get(stream.job));
    if (note === stream.note) return;
    stream.note = note;
    this.#provisional.draw(stream.document);
  }

  async #catchUp(stream: Stream): Promise<void> {
    try {
      const { utterances } = await this.#daemon.call('job/utterances', { id: stream.job });
      stream.take(utterances);
      await this.#look(stream);
    } catch (error) {
      this.#log.warn(errorText(error));
      if ((error as { failure?: { code?: string } }).failure?.code === 'unknownJob') stream.dispose();
    }
  }

  /** Ends the stream once its job has ended, with everything that the job has. */
  async #look(stream: Stream): Promise<void> {
    const job = this.#daemon.state.jobs.get(stream.job);
    if (!job || !isFinal(job.state) || this.#finishing.has(stream)) return;
    this.#finishing.add(stream);
    try {
      stream.take((await this.#daemon.call('job/utterances', { id: stream.job })).utterances);
      const { format, translation } = stream.template;
      const rendered =
        job.state === 'completed' && (format === 'srt' || format === 'vtt')
          ? (
              await this.#daemon.call('job/render', {
                id: stream.job,
                format,
                ...(job.options.translateTo
                  ? { text: translation === 'instead' ? ('translation' as const) : ('bilingual' as const) }
                  : {}),
              })
            ).text
          : null;
      if (!(await stream.finish(rendered))) return;
      // What is dictated stands among what somebody writes: saving that is theirs.
      if (!stream.follows && !this.#theirs.has(stream) && !stream.document.isUntitled && !stream.document.isClosed)
        await stream.document.save();
    } catch (error) {
      this.#log.warn(errorText(error));
      this.#finishing.delete(stream);
    }
  }
  readonly #finishing = new WeakSet<Stream>();
  /** Into documents that somebody had changed and not saved yet. */
  readonly #theirs = new WeakSet<Stream>();

  #park(document: vscode.TextDocument): void {
    for (const stream of [...this.#open.keys()]) {
      if (stream.document !== document) continue;
      const kept = stream.keep;
      if (document.isUntitled)
        this.#adopt(document.getText(), saved => {
          this.#resume({ ...kept, uri: saved.uri.toString() }, saved);
        });
      else this.#parked.push(kept);
      stream.dispose();
    }
    const over = this.#ended.filter(ended => ended.document === document);
    this.#ended = this.#ended.filter(ended => ended.document !== document);
    if (over.length && document.isUntitled)
      this.#adopt(document.getText(), saved => {
        this.#ended.push(...over.map(ended => ({ ...ended, document: saved })));
      });
  }

  /**
   * An untitled document that is closed is gone, unless it was saved: then the same text stands in a file, before or
   * just after.
   */
  #adopt(text: string, into: (document: vscode.TextDocument) => void): void {
    const take = (document: vscode.TextDocument): boolean => {
      if (document.isUntitled || document.isClosed || text === '' || document.getText() !== text) return false;
      into(document);
      return true;
    };
    if (vscode.workspace.textDocuments.some(take)) return;
    const opened = vscode.workspace.onDidOpenTextDocument(document => {
      if (take(document)) opened.dispose();
    });
    setTimeout(() => opened.dispose(), ADOPT_MS);
  }

  #resume(kept: Kept, document: vscode.TextDocument): Stream {
    const stream = this.#run(
      new Stream({
        job: kept.job,
        document,
        template: { ...kept.template, gap: gapText, speaker: shownName },
        origin: kept.origin,
        kept: kept.pieces,
        ...(kept.from === undefined ? {} : { from: kept.from }),
      }),
    );
    if (kept.to !== undefined) stream.limit(kept.to);
    return stream;
  }

  #unpark(document: vscode.TextDocument): void {
    const uri = document.uri.toString(),
      mine = this.#parked.filter(kept => kept.uri === uri);
    if (!mine.length) return;
    this.#parked = this.#parked.filter(kept => kept.uri !== uri);
    for (const kept of mine) this.#resume(kept, document);
  }

  #keepSoon(): void {
    this.#keepTimer ??= setTimeout(() => this.#keep(), KEEP_MS);
  }

  #keep(): void {
    if (this.#keepTimer) clearTimeout(this.#keepTimer);
    this.#keepTimer = null;
    const kept = [...this.#parked, ...[...this.#open.keys()].map(stream => stream.keep)];
    Promise.resolve(this.#memory.update(KEPT, kept)).catch((error: unknown) => this.#log.warn(errorText(error)));
  }
}

export const gapText = (from: string, to: string): string => vscode.l10n.t('(not understood: {0} to {1})', from, to);
