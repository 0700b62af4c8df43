/** The editor's own ways with subtitle documents: outline, folding, hover, formatting, renaming a speaker. */
import * as vscode from 'vscode';
import { basename } from 'node:path';
import { numberText } from '../ui/words.ts';
import { SafeMarkdown } from '../ui/markdown.ts';
import { figures, formatted } from '../../text/subtitles/check.ts';
import {
  cueAt,
  scenesOf,
  speakersOf,
  type Speaker,
  type SubtitleCue,
  type SubtitleKind,
  type Subtitles,
} from '../../text/subtitles/parse.ts';
import { visible } from '../../text/subtitles/inline.ts';
import { difference } from '../streaming/place.ts';
import { stamp } from '../streaming/layout.ts';
import { siblingRecording } from './sibling.ts';
import { subtitleProblems } from './problems.ts';
import { kindOf, limits, rangeOf, read, SUBTITLES } from './read.ts';

export function subtitleLanguage(): vscode.Disposable {
  const { languages } = vscode;
  return vscode.Disposable.from(
    subtitleProblems(),
    languages.registerDocumentSymbolProvider(SUBTITLES, { provideDocumentSymbols: outline }, { label: 'Earshot' }),
    languages.registerFoldingRangeProvider(SUBTITLES, { provideFoldingRanges: folds }),
    languages.registerHoverProvider(SUBTITLES, { provideHover: hover }),
    languages.registerDocumentFormattingEditProvider(SUBTITLES, { provideDocumentFormattingEdits: format }),
    languages.registerDocumentHighlightProvider(SUBTITLES, {
      provideDocumentHighlights: (document, position) =>
        same(document, position)?.map(s => new vscode.DocumentHighlight(rangeOf(s))),
    }),
    languages.registerRenameProvider(SUBTITLES, {
      prepareRename: (document, position) => {
        const speaker = speakerAt(document, position);
        if (!speaker) throw new Error(vscode.l10n.t('Only a speaker can be renamed here.'));
        return { range: rangeOf(speaker), placeholder: speaker.name };
      },
      provideRenameEdits: (document, position, name) => {
        const edit = new vscode.WorkspaceEdit(),
          clean = name.trim();
        if (!clean || /[<>:：\n]/.test(clean))
          throw new Error(vscode.l10n.t('A speaker’s name cannot contain colons or angle brackets.'));
        for (const speaker of same(document, position) ?? []) edit.replace(document.uri, rangeOf(speaker), clean);
        return edit;
      },
    }),
  );
}

const speakerAt = (document: vscode.TextDocument, { line, character }: vscode.Position): Speaker | undefined =>
  speakersOf(read(document)).find(s => s.line === line && s.from <= character && character <= s.to);

/** Everywhere that the speaker at this place speaks. */
function same(document: vscode.TextDocument, position: vscode.Position): Speaker[] | undefined {
  const here = speakerAt(document, position);
  return here && speakersOf(read(document)).filter(s => s.name === here.name);
}

const whole = ({ lines }: Subtitles, first: SubtitleCue, last = first): vscode.Range =>
  new vscode.Range(first.firstLine, 0, last.lastLine, lines[last.lastLine]!.length);
const words = (cue: SubtitleCue, kind: SubtitleKind): string =>
  cue.lines
    .map(line => visible(line, kind))
    .filter(Boolean)
    .join(' ') || '…';

function outline(document: vscode.TextDocument): vscode.DocumentSymbol[] {
  const subtitles = read(document),
    scenes = scenesOf(subtitles),
    { kind } = subtitles;
  const symbols = (cues: readonly SubtitleCue[]): vscode.DocumentSymbol[] =>
    cues.map(
      cue =>
        new vscode.DocumentSymbol(
          words(cue, kind),
          cue.startMs === null ? '' : stamp(cue.startMs),
          vscode.SymbolKind.String,
          whole(subtitles, cue),
          new vscode.Range(cue.timeLine, 0, cue.timeLine, subtitles.lines[cue.timeLine]!.length),
        ),
    );
  if (scenes.length < 2) return symbols(subtitles.cues);
  return scenes.map((scene, n) => {
    const first = scene[0]!,
      last = scene.at(-1)!,
      range = whole(subtitles, first, last);
    const symbol = new vscode.DocumentSymbol(
      vscode.l10n.t('Scene {0}', n + 1),
      `${stamp(first.startMs ?? 0)}–${stamp(last.endMs ?? last.startMs ?? 0)}`,
      vscode.SymbolKind.Namespace,
      range,
      new vscode.Range(first.timeLine, 0, first.timeLine, subtitles.lines[first.timeLine]!.length),
    );
    symbol.children = symbols(scene);
    return symbol;
  });
}

/** Cues from their times on, scenes from their first line on: so both can be folded. */
function folds(document: vscode.TextDocument): vscode.FoldingRange[] {
  const subtitles = read(document),
    scenes = scenesOf(subtitles),
    ranges: vscode.FoldingRange[] = [];
  for (const scene of scenes)
    if (scenes.length > 1 && scene.length > 1)
      ranges.push(new vscode.FoldingRange(scene[0]!.firstLine, scene.at(-1)!.lastLine, vscode.FoldingRangeKind.Region));
  for (const cue of subtitles.cues)
    if (cue.lastLine > cue.timeLine) ranges.push(new vscode.FoldingRange(cue.timeLine, cue.lastLine));
  for (const { kind, firstLine, lastLine } of subtitles.others)
    if (lastLine > firstLine)
      ranges.push(
        new vscode.FoldingRange(firstLine, lastLine, kind === 'note' ? vscode.FoldingRangeKind.Comment : undefined),
      );
  return ranges;
}

async function hover(document: vscode.TextDocument, { line }: vscode.Position): Promise<vscode.Hover | undefined> {
  const subtitles = read(document),
    cue = cueAt(subtitles, line);
  if (!cue) return undefined;
  const { ms, cps, widths } = figures(cue, subtitles.kind),
    { charactersPerSecond, lineLength } = limits(document.uri);
  const number = subtitles.cues.indexOf(cue) + 1,
    next = subtitles.cues[number];
  const text = new SafeMarkdown().bold(vscode.l10n.t('Cue {0} of {1}', number, subtitles.cues.length)),
    recording = await siblingRecording(document.uri).catch(() => null);
  const row = (value: string, bad = false): void => {
    text.item(`${bad ? '⚠ ' : ''}${value}`);
  };
  text.paragraph();
  if (ms !== null) row(vscode.l10n.t('shown for {0} s', numberText(ms / 1000, 2)), ms <= 0);
  if (cps !== null) row(vscode.l10n.t('{0} characters per second', numberText(cps, 1)), cps > charactersPerSecond);
  if (widths.length)
    row(
      vscode.l10n.t('characters per line: {0}', widths.join(', ')),
      widths.some(width => width > lineLength),
    );
  if (next?.startMs != null && cue.endMs !== null)
    row(
      vscode.l10n.t('pause before the next: {0} s', numberText((next.startMs - cue.endMs) / 1000, 2)),
      next.startMs < cue.endMs,
    );
  if (recording && cue.startMs !== null)
    text
      .paragraph()
      .command('play', vscode.l10n.t('Play {0} from here', basename(recording.fsPath)), 'earshot.openAt', [
        recording.fsPath,
        cue.startMs,
      ]);
  return new vscode.Hover(text.done(), whole(subtitles, cue));
}

function format(document: vscode.TextDocument): vscode.TextEdit[] {
  const text = document.getText(),
    kind = kindOf(document),
    change = kind && difference(text, formatted(text, kind), 0);
  return change
    ? [
        vscode.TextEdit.replace(
          new vscode.Range(document.positionAt(change.start), document.positionAt(change.end)),
          change.text,
        ),
      ]
    : [];
}
