/**
 * What is still being said, in gray under the text of its stream: shown by the editor, but in no document, so that it
 * is never saved, undone or copied.
 */
import * as vscode from 'vscode';
import { harmlessLine } from '../../text/harmless.ts';
import type { Stream } from './stream.ts';

/** Of more, the end is shown: it covers the lines below. */
const MOST_CHARACTERS = 240;
/**
 * Under its line, as wide as the editor: beside the line it would end at the edge, since an editor wraps only what is
 * text. There is no other way to style what an editor adds.
 */
const BESIDE = 'none; position: absolute; left: 0; white-space: pre;';
const BELOW = 'none; position: absolute; left: 0; top: 100%; width: 100%; white-space: pre-wrap; z-index: 1;';

export class Provisional implements vscode.Disposable {
  readonly #streams: () => Iterable<Stream>;
  readonly #style = vscode.window.createTextEditorDecorationType({});
  /** Documents in which some is drawn. */
  readonly #drawn = new WeakSet<vscode.TextDocument>();

  constructor(streams: () => Iterable<Stream>) {
    this.#streams = streams;
  }

  /** As the streams into the document are now. */
  draw(document: vscode.TextDocument): void {
    const options: vscode.DecorationOptions[] = [];
    for (const stream of this.#streams()) {
      const text = stream.document === document ? stream.provisional : null;
      if (!text) continue;
      const at = document.positionAt(text.offset);
      options.push({
        range: new vscode.Range(at, at),
        renderOptions: {
          after: {
            contentText: shortened(harmlessLine(text.stable + text.unstable)),
            color: new vscode.ThemeColor('editorGhostText.foreground'),
            backgroundColor: new vscode.ThemeColor('editor.background'),
            // What its words wait for is short, and stands where they will.
            textDecoration: text.isNote ? BESIDE : BELOW,
          },
        },
      });
    }
    if (!options.length && !this.#drawn.has(document)) return;
    if (options.length) this.#drawn.add(document);
    else this.#drawn.delete(document);
    for (const editor of vscode.window.visibleTextEditors)
      if (editor.document === document) editor.setDecorations(this.#style, options);
  }

  dispose(): void {
    this.#style.dispose();
  }
}

/** The last characters, from a word on. */
export function shortened(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `… ${text.slice(-MOST_CHARACTERS).replace(/^\S*\s+/u, '')}`;
}
