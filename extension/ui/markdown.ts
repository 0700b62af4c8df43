/**
 * Markdown of hovers and tooltips. Nothing else may make any (the linter sees to it), so that values stay text: they
 * make no link, load no picture and run no command.
 */
import * as vscode from 'vscode';
import { harmlessLines } from '../../text/harmless.ts';

export class SafeMarkdown {
  readonly #markdown = new vscode.MarkdownString('', true);
  readonly #commands: string[] = [];

  /** Words as they are; a line break stays one. */
  text(text: string): this {
    this.#words(text);
    return this;
  }

  bold(text: string): this {
    this.#markdown.appendMarkdown('**');
    this.#words(text);
    this.#markdown.appendMarkdown('**');
    return this;
  }

  /** What follows stands in a paragraph of its own. */
  paragraph(): this {
    this.#markdown.appendMarkdown('\n\n');
    return this;
  }

  /** One line of a list. */
  item(text: string): this {
    this.#markdown.appendMarkdown('\n- ');
    this.#words(text);
    return this;
  }

  /** A link that runs a command of ours. */
  command(icon: string, title: string, command: string, args: readonly unknown[]): this {
    this.#commands.push(command);
    // Written by the editor's own rules, which encode what would end the link, parentheses too.
    const target = vscode.Uri.parse(`command:${command}?${encodeURIComponent(JSON.stringify(args))}`).toString();
    this.#markdown.appendMarkdown(`[$(${icon}) `);
    this.#words(title);
    this.#markdown.appendMarkdown(`](${target})`);
    return this;
  }

  /**
   * The editor makes every space of a text unbreakable, so that a sentence would not wrap. The first of a line stays
   * so: "1. May" begins no list.
   */
  #words(text: string): void {
    for (const [i, line] of harmlessLines(text).split('\n').entries()) {
      if (i > 0) this.#markdown.appendText('\n');
      for (const [j, word] of line.split(' ').entries()) {
        if (j === 1) this.#markdown.appendText(' ');
        else if (j > 1) this.#markdown.appendMarkdown(' ');
        this.#markdown.appendText(word);
      }
    }
  }

  /** As the editor takes it; only the commands that were linked may run. */
  done(): vscode.MarkdownString {
    if (this.#commands.length) this.#markdown.isTrusted = { enabledCommands: this.#commands };
    return this.#markdown;
  }
}
