/** Chapters of a transcript: where they are parted, and a choice among them. */
import * as vscode from 'vscode';
import { sourceText, type Transcript } from '../../schemas/job.ts';
import { namedChapters, type Chapter } from '../../text/transcripts/chapters.ts';
import { notify } from '../ui/notify.ts';
import { pick } from '../ui/pick.ts';
import { clock } from './shown-text.ts';

/** A pause of this length begins a chapter, ms; 0: none does. */
export const chapterPause = (recording: vscode.Uri | null): number =>
  Math.round(
    vscode.workspace.getConfiguration('earshot', recording).get<number>('document.chapterPauseSeconds', 10) * 1000,
  );

/** Undefined: none was chosen. */
export async function pickChapter(
  { utterances }: Transcript,
  recording: vscode.Uri | null,
): Promise<Chapter | undefined> {
  const chapters = namedChapters(
    utterances.map(u => ({ ...u, text: sourceText(u) })),
    chapterPause(recording),
  );
  if (!chapters.length) {
    notify.info(vscode.l10n.t('There are no chapters: no long pause parts this transcript.'));
    return undefined;
  }
  const picked = await pick(
    chapters.map(chapter => ({ label: chapter.title, description: clock(chapter.startMs), chapter })),
    { title: vscode.l10n.t('Go to which chapter?'), matchOnDescription: true },
  );
  return picked?.chapter;
}
