/** Subtitle documents of the editor, read once a version. */
import * as vscode from 'vscode';
import type { LineEdit, Limits } from '../../text/subtitles/check.ts';
import { parseSubtitles, type Span, type SubtitleKind, type Subtitles } from '../../text/subtitles/parse.ts';

/** Also files that another extension gave its own language. */
export const SUBTITLES: vscode.DocumentFilter[] = [{ language: 'srt' }, { language: 'vtt' }];
export const kindOf = (document: vscode.TextDocument): SubtitleKind | null =>
  document.languageId === 'srt' || document.languageId === 'vtt' ? document.languageId : null;

const known = new WeakMap<vscode.TextDocument, { version: number; subtitles: Subtitles }>();

export function read(document: vscode.TextDocument): Subtitles {
  const old = known.get(document);
  if (old?.version === document.version && old.subtitles.kind === kindOf(document)) return old.subtitles;
  const subtitles = parseSubtitles(document.getText(), kindOf(document) ?? 'srt');
  known.set(document, { version: document.version, subtitles });
  return subtitles;
}

export function limits(scope: vscode.Uri): Limits {
  const setting = vscode.workspace.getConfiguration('earshot.subtitles', scope);
  return {
    charactersPerSecond: setting.get('charactersPerSecond', 20),
    lineLength: setting.get('lineLength', 42),
    lines: setting.get('lines', 2),
  };
}

export const rangeOf = ({ line, from, to }: Span): vscode.Range => new vscode.Range(line, from, line, to);

export function textEdit(document: vscode.TextDocument, { from, to, lines }: LineEdit): vscode.TextEdit {
  const eol = document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
  if (to < document.lineCount)
    return vscode.TextEdit.replace(new vscode.Range(from, 0, to, 0), lines.map(line => line + eol).join(''));
  return vscode.TextEdit.replace(
    new vscode.Range(new vscode.Position(from, 0), document.lineAt(document.lineCount - 1).range.end),
    lines.join(eol),
  );
}
