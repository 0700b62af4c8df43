/** What is wrong with a subtitle document, shown while one types, and what may be done about it. */
import * as vscode from 'vscode';
import { check, sorted, type Problem, type ProblemCode } from '../../text/subtitles/check.ts';
import { difference } from '../streaming/place.ts';
import { kindOf, limits, rangeOf, read, SUBTITLES, textEdit } from './read.ts';

const SOURCE = 'Earshot';
/** Settle time: after the last key, before a document is looked over again, ms. */
const SETTLE_MS = 250;

const { Error: BROKEN, Warning: WRONG, Information: HARD } = vscode.DiagnosticSeverity;
const SEVERITY: Readonly<Record<ProblemCode, vscode.DiagnosticSeverity>> = {
  badTime: BROKEN,
  timeShape: WRONG,
  endBeforeStart: BROKEN,
  overlap: WRONG,
  order: WRONG,
  tooFast: HARD,
  longLine: HARD,
  manyLines: HARD,
  number: WRONG,
  empty: WRONG,
  noBlankLine: WRONG,
  parted: WRONG,
  stray: WRONG,
  noHeader: BROKEN,
};

function sentence({ code, args: [a = '', b = ''] }: Problem): string {
  switch (code) {
    case 'badTime':
      return vscode.l10n.t('This time cannot be read.');
    case 'timeShape':
      return vscode.l10n.t('Players expect times like {0}.', a);
    case 'endBeforeStart':
      return vscode.l10n.t('The cue ends before or when it begins.');
    case 'overlap':
      return vscode.l10n.t('The cue begins {0} s before the previous one ends.', a);
    case 'order':
      return vscode.l10n.t('The cue begins before the one above it, at {0}.', a);
    case 'tooFast':
      return vscode.l10n.t('{0} characters per second; the limit is {1}.', a, b);
    case 'longLine':
      return vscode.l10n.t('{0} characters in a line; the limit is {1}.', a, b);
    case 'manyLines':
      return vscode.l10n.t('{0} lines in a cue; the limit is {1}.', a, b);
    case 'number':
      return vscode.l10n.t('The number of this cue should be {0}.', a);
    case 'empty':
      return vscode.l10n.t('The cue has no text.');
    case 'noBlankLine':
      return vscode.l10n.t('An empty line is missing before this cue.');
    case 'parted':
      return vscode.l10n.t('An empty line separates this text from its cue: players may not show it.');
    case 'stray':
      return vscode.l10n.t('This text belongs to no cue.');
    case 'noHeader':
      return vscode.l10n.t('A WebVTT file must begin with WEBVTT.');
  }
}

function fixTitle(code: ProblemCode): string {
  switch (code) {
    case 'timeShape':
      return vscode.l10n.t('Write the times as players expect them');
    case 'endBeforeStart':
      return vscode.l10n.t('Swap start and end');
    case 'overlap':
      return vscode.l10n.t('End the previous cue where this one begins');
    case 'tooFast':
      return vscode.l10n.t('Show it longer, using the pause that follows');
    case 'longLine':
    case 'manyLines':
      return vscode.l10n.t('Break it into balanced lines');
    case 'number':
      return vscode.l10n.t('Set the number');
    case 'empty':
      return vscode.l10n.t('Remove the empty cue');
    case 'noBlankLine':
      return vscode.l10n.t('Insert an empty line');
    case 'parted':
      return vscode.l10n.t('Remove the empty line');
    case 'noHeader':
      return vscode.l10n.t('Begin with WEBVTT');
    case 'badTime':
    case 'order':
    case 'stray':
      return '';
  }
}

export function subtitleProblems(): vscode.Disposable {
  const shown = vscode.languages.createDiagnosticCollection('earshot');
  const waiting = new Map<vscode.TextDocument, NodeJS.Timeout>();
  const forget = (document: vscode.TextDocument): void => {
    clearTimeout(waiting.get(document));
    waiting.delete(document);
  };
  const look = (document: vscode.TextDocument): void => {
    forget(document);
    if (document.isClosed || !kindOf(document)) return;
    if (!vscode.workspace.getConfiguration('earshot.subtitles', document.uri).get('check', true))
      return shown.delete(document.uri);
    shown.set(
      document.uri,
      check(read(document), limits(document.uri)).map(problem => {
        const diagnostic = new vscode.Diagnostic(rangeOf(problem), sentence(problem), SEVERITY[problem.code]);
        diagnostic.source = SOURCE;
        diagnostic.code = problem.code;
        return diagnostic;
      }),
    );
  };
  const soon = (document: vscode.TextDocument): void => {
    if (!kindOf(document)) return;
    forget(document);
    waiting.set(
      document,
      setTimeout(() => look(document), SETTLE_MS),
    );
  };
  for (const document of vscode.workspace.textDocuments) look(document);
  return vscode.Disposable.from(
    shown,
    vscode.workspace.onDidOpenTextDocument(look),
    vscode.workspace.onDidChangeTextDocument(({ document }) => soon(document)),
    vscode.workspace.onDidCloseTextDocument(document => {
      forget(document);
      shown.delete(document.uri);
    }),
    vscode.workspace.onDidChangeConfiguration(event => {
      if (event.affectsConfiguration('earshot.subtitles'))
        for (const document of vscode.workspace.textDocuments) look(document);
    }),
    new vscode.Disposable(() => {
      for (const timer of waiting.values()) clearTimeout(timer);
    }),
    vscode.languages.registerCodeActionsProvider(
      SUBTITLES,
      { provideCodeActions: actions },
      { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
    ),
  );
}

function actions(
  document: vscode.TextDocument,
  range: vscode.Range,
  { diagnostics }: vscode.CodeActionContext,
): vscode.CodeAction[] {
  const made: vscode.CodeAction[] = [];
  const add = (
    title: string,
    edits: vscode.TextEdit[],
    diagnostic: vscode.Diagnostic | undefined,
    preferred: boolean,
  ): void => {
    const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix),
      edit = new vscode.WorkspaceEdit();
    edit.set(document.uri, edits);
    made.push(
      Object.assign(action, { edit, isPreferred: preferred, ...(diagnostic ? { diagnostics: [diagnostic] } : {}) }),
    );
  };
  const subtitles = read(document),
    all = check(subtitles, limits(document.uri)).filter(
      problem => problem.line >= range.start.line && problem.line <= range.end.line,
    );
  for (const problem of all) {
    const diagnostic = diagnostics.find(
      d => d.source === SOURCE && d.code === problem.code && d.range.isEqual(rangeOf(problem)),
    );
    if (problem.fix) add(fixTitle(problem.code), [textEdit(document, problem.fix)], diagnostic, true);
    if (problem.code === 'order') {
      const text = document.getText(),
        change = difference(text, sorted(text, subtitles.kind), 0);
      if (change)
        add(
          vscode.l10n.t('Sort all cues by time'),
          [
            vscode.TextEdit.replace(
              new vscode.Range(document.positionAt(change.start), document.positionAt(change.end)),
              change.text,
            ),
          ],
          diagnostic,
          false,
        );
    }
  }
  return made;
}
