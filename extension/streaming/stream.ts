/**
 * One transcript on its way into one document.
 *
 * Utterances come in, the document is laid out anew, and only what differs is edited. While its editor is visible the
 * edits join one undo step, as long as nobody edits in between; an undo that takes our text back ends the stream and
 * removes the rest of it. While the document is hidden nothing is written; it catches up when it shows, or when the job
 * ends.
 */
import * as vscode from 'vscode';
import { EarshotError } from '../../schemas/errors.ts';
import type { Utterance } from '../../schemas/job.ts';
import type { PartialText } from '../../schemas/live.ts';
import { layout, type Piece, type Template } from './layout.ts';
import { endOf, fresh, reconcile, refound, shifted, type Edit, type Placement } from './place.ts';

/** What is kept of a stream so that it goes on after the document or the window was closed. */
export interface Kept {
  job: string;
  from?: number;
  to?: number;
  uri: string;
  template: Omit<Template, 'gap' | 'speaker'>;
  pieces: { key: string; text: string; theirs: boolean }[];
  origin: number;
}

export interface StreamOptions {
  job: string;
  document: vscode.TextDocument;
  template: Template;
  origin?: number;
  kept?: Kept['pieces'];
  /** Stands in the document already, until the first words come. */ waiting?: string;
  /** The first utterance that belongs here: a dictation goes on in several places. */ from?: number;
}

/** `failed`: the document took no edits. */
export type End = 'done' | 'takenBack' | 'unwanted' | 'closed' | 'failed';

const WAITING = 'waiting';
/**
 * An edit refused because somebody typed at the same moment is tried again; so often in a row means the document takes
 * no edits.
 */
const TRIES = 20;

export class Stream implements vscode.Disposable {
  readonly job: string;
  readonly template: Template;
  readonly document: vscode.TextDocument;
  readonly #utterances = new Map<number, Utterance>();
  #partial: PartialText | null = null;
  readonly #from: number;
  #to = Infinity;
  /**
   * Written at a cursor: set off from the word before it, as was found when the first piece came; null: not looked at
   * yet.
   */
  readonly follows: boolean;
  #lead: string | null = null;
  readonly #ended = new vscode.EventEmitter<End>();
  /** Why the document did not take the text; it ends the stream, unless it had ended before. */
  readonly #failed = new vscode.EventEmitter<unknown>();
  readonly onFailed = this.#failed.event;
  readonly onEnded = this.#ended.event;
  #placement: Placement;
  /** The whole text in the end, where the daemon renders it better than we do piece by piece. */
  #final: string | null = null;
  #complete = false;
  /** Our edit on its way: the text that it makes, and where the pieces stand in it. */
  #applying: { text: string; after: Placement } | null = null;
  #edited = true; // so that the first edit begins an undo step
  /** Names have come for what stands there already: an undo step of its own takes them back. */
  #named = false;
  #work: Promise<void> = Promise.resolve();
  #dirty = false;
  #stopped = false;

  constructor({ job, document, template, origin, kept, waiting, from }: StreamOptions) {
    this.#from = from ?? 0;
    this.follows = from !== undefined;
    this.job = job;
    this.document = document;
    this.template = template;
    this.#placement = (kept && refound(document.getText(), kept)) ?? fresh(origin ?? document.getText().length);
    if (waiting !== undefined) {
      const start = this.#placement.origin;
      this.#placement.pieces.push({ key: WAITING, start, end: start + waiting.length, text: waiting, theirs: false });
    }
  }

  get keep(): Kept {
    const { gap: _gap, speaker: _speaker, ...template } = this.template;
    return {
      job: this.job,
      ...(this.follows ? { from: this.#from } : {}),
      ...(this.#to === Infinity ? {} : { to: this.#to }),
      uri: this.document.uri.toString(),
      template,
      origin: this.#placement.origin,
      pieces: this.#placement.pieces.map(({ key, text, theirs }) => ({ key, text, theirs })),
    };
  }

  /** What is still being said; its utterance takes its place. */
  hear(partial: PartialText): void {
    if (partial.index < this.next || partial.index >= this.#to || this.#stopped) return;
    this.#partial = partial.stable || partial.unstable ? partial : null;
  }

  /** What its words wait for; null: nothing, or they have begun to come. */
  note: string | null = null;

  /** Text that stands in no document yet, and where it would; null: none. */
  get provisional(): { offset: number; stable: string; unstable: string; isNote?: true } | null {
    if (this.note !== null && this.#utterances.size === 0 && !this.#stopped)
      return { offset: endOf(this.#placement), stable: this.note, unstable: '', isNote: true };
    if (!this.#partial || this.#stopped || this.#partial.index >= this.#to) return null;
    const { stable, unstable } = this.#partial;
    return { offset: endOf(this.#placement), stable, unstable };
  }
  /** Resolves when the document has what came so far. */
  get written(): Promise<void> {
    return this.#work;
  }

  take(utterances: readonly Utterance[]): void {
    for (const utterance of utterances) {
      if (this.#partial && utterance.index >= this.#partial.index) this.#partial = null;
      if (utterance.index < this.#from || utterance.index >= this.#to) continue;
      const old = this.#utterances.get(utterance.index);
      this.#named ||= old !== undefined && old.speaker === undefined && utterance.speaker !== undefined;
      this.#utterances.set(utterance.index, utterance);
    }
    this.#soon();
  }

  /** The first utterance that it has not. */
  get next(): number {
    return Math.max(this.#from, ...[...this.#utterances.keys()].map(index => index + 1));
  }
  /** Utterances from this one on go elsewhere. */
  limit(to: number): void {
    this.#to = to;
  }
  /** The next words would come right here. */
  isAt(offset: number): boolean {
    return endOf(this.#placement) === offset;
  }
  /** The first words go there instead; false: some stand already. */
  moveTo(offset: number): boolean {
    if (this.#utterances.size) return false;
    this.#placement = fresh(offset);
    return true;
  }

  /**
   * No more comes; `rendered` replaces the pieces where nobody edited any. True when all is in the document; false when
   * the stream had ended, or the document did not take it.
   */
  async finish(rendered: string | null): Promise<boolean> {
    this.#complete = true;
    if (rendered !== null && !this.#placement.pieces.some(p => p.theirs)) this.#final = rendered;
    this.#soon();
    await this.#work;
    const whole = !this.#stopped;
    this.#end('done');
    return whole;
  }

  /** Somebody edited the document, or we did. */
  changed({ contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    if (this.#stopped || contentChanges.length === 0) return;
    if (this.#applying && this.document.getText() === this.#applying.text) {
      this.#placement = this.#applying.after;
      this.#applying = null;
      return;
    }
    this.#edited = true;
    const before = this.#placement;
    // Reported last first, each against the text before the event.
    for (const change of [...contentChanges].sort((a, b) => b.rangeOffset - a.rangeOffset))
      this.#placement = shifted(this.#placement, {
        start: change.rangeOffset,
        end: change.rangeOffset + change.rangeLength,
        text: change.text,
      });
    // The text that stood in for the first words was removed, or another of the editor's offers taken: nobody wants the
    // transcript here.
    if (this.#placement.pieces.some(p => p.key === WAITING && p.start === p.end)) return this.#end('unwanted');
    if (reason === vscode.TextDocumentChangeReason.Undo && takesBack(before, contentChanges))
      this.#takeBack().catch((error: unknown) => this.#failed.fire(error));
  }

  /** The editor of a hidden document shows again. */
  shown(): void {
    this.#soon();
  }

  /** Ends without touching the document further. */
  dispose(): void {
    this.#end('closed');
  }

  #end(how: End): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#ended.fire(how);
    this.#ended.dispose();
  }

  #soon(): void {
    if (this.#dirty || this.#stopped) return;
    this.#dirty = true;
    this.#work = this.#work
      .then(async () => {
        this.#dirty = false;
        await this.#write();
      })
      .catch((error: unknown) => {
        if (this.#stopped) return; // closed meanwhile: nobody waits for it
        this.#failed.fire(error);
        this.#end('failed');
      });
  }

  #wanted(): Piece[] {
    if (this.#final !== null) return [{ key: 'all', text: this.#final }];
    const pieces = layout(
      [...this.#utterances.values()].sort((a, b) => a.index - b.index),
      this.template,
    );
    if (this.follows && pieces[0])
      pieces[0] = { ...pieces[0], text: (this.#lead ??= this.#gapBefore()) + pieces[0].text };
    const waiting = this.#placement.pieces.find(p => p.key === WAITING);
    return pieces.length || this.#complete || !waiting ? pieces : [waiting];
  }

  /** A blank where a word or the end of a sentence stands just before. */
  #gapBefore(): string {
    return /[\p{L}\p{N}.,;:!?)\]"”’…]$/u.test(this.document.getText().slice(0, this.#placement.origin)) &&
      !/[\u3000-\u9fff\uff00-\uffef]$/.test(this.document.getText().slice(0, this.#placement.origin))
      ? ' '
      : '';
  }

  async #write(): Promise<void> {
    for (let attempt = 0; attempt < TRIES && !this.#stopped; attempt++) {
      const eol = this.document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
      const wanted = this.#wanted().map(piece =>
        eol === '\n' ? piece : { ...piece, text: piece.text.replaceAll('\n', eol) },
      );
      const { edits, after } = reconcile(this.#placement, wanted);
      if (!edits.length) return void (this.#placement = after);
      const editor = vscode.window.visibleTextEditors.find(e => e.document === this.document);
      if (!editor && !this.#complete) return; // it catches up when it shows
      this.#applying = { text: edited(this.document.getText(), edits), after };
      const done = await this.#apply(edits, editor);
      this.#applying = null;
      if (done) {
        if (editor) this.#follow(editor);
        return;
      }
    }
    if (!this.#stopped) throw new EarshotError('outputNotWritable', { path: this.document.uri.fsPath });
  }

  async #apply(edits: readonly Edit[], editor: vscode.TextEditor | undefined): Promise<boolean> {
    const range = (edit: Edit): vscode.Range =>
      new vscode.Range(this.document.positionAt(edit.start), this.document.positionAt(edit.end));
    if (editor) {
      const first = this.#edited || this.#named;
      const done = await editor
        .edit(
          builder => {
            for (const edit of edits) builder.replace(range(edit), edit.text);
          },
          { undoStopBefore: first, undoStopAfter: false },
        )
        .then(undefined, (error: unknown) => {
          // Closed meanwhile: the document catches up when it shows again.
          if (!vscode.window.visibleTextEditors.includes(editor)) return false;
          throw error;
        });
      if (done) this.#edited = this.#named = false;
      return done;
    }
    const change = new vscode.WorkspaceEdit();
    for (const edit of edits) change.replace(this.document.uri, range(edit), edit.text);
    return vscode.workspace.applyEdit(change);
  }

  /** Scrolls along for whoever reads at the end. */
  #follow(editor: vscode.TextEditor): void {
    if (!vscode.workspace.getConfiguration('earshot').get('document.follow', true)) return;
    const end = this.document.positionAt(endOf(this.#placement)),
      cursor = editor.selection.active;
    const ours =
      this.document.offsetAt(cursor) >= this.#placement.origin &&
      editor.selection.isEmpty &&
      (cursor.isEqual(end) ||
        cursor.line === this.document.lineCount - 1 ||
        this.document.offsetAt(cursor) === this.#placement.origin);
    if (ours) editor.revealRange(new vscode.Range(end.line, 0, end.line, 0), vscode.TextEditorRevealType.Default);
  }

  /** What is left of our text goes too, unless somebody edited it. */
  async #takeBack(): Promise<void> {
    const rest = this.#placement.pieces.filter(p => !p.theirs && p.end > p.start);
    this.#end('takenBack');
    const editor = vscode.window.visibleTextEditors.find(e => e.document === this.document);
    if (!rest.length || !editor) return;
    await editor.edit(builder => {
      for (const p of rest)
        builder.delete(new vscode.Range(this.document.positionAt(p.start), this.document.positionAt(p.end)));
    });
  }
}

/** Whether an undo removed text of ours: one of its changes deletes within a piece that nobody edited. */
function takesBack({ pieces }: Placement, changes: readonly vscode.TextDocumentContentChangeEvent[]): boolean {
  return changes.some(
    c =>
      c.rangeLength > c.text.length &&
      pieces.some(p => !p.theirs && c.rangeOffset < p.end && c.rangeOffset + c.rangeLength > p.start),
  );
}

const edited = (text: string, edits: readonly Edit[]): string => {
  let result = '',
    at = 0;
  for (const edit of edits) {
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at);
};
