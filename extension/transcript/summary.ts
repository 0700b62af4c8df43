/**
 * The summary of a transcript: what its editor shows of it, and how it comes into a text that somebody is correcting.
 */
import * as vscode from 'vscode';
import { isAbsolute } from 'node:path';
import { sourceText, type Job, type Transcript } from '../../schemas/job.ts';
import { isFinal } from '../../schemas/words.ts';
import type { SummaryView } from '../../webview/messages.ts';
import type { MirrorState } from '../connection/mirror.ts';
import { samePath } from '../../client/same-path.ts';
import { readTranscript } from './known.ts';
import { reasonText } from '../ui/words.ts';
import { editTranscript } from './document.ts';
import { writeText } from '../ui/files.ts';

/** The file that a summary's job is about; null: its transcript was not written as one. */
export function fileOfSummary({ jobs }: MirrorState, { options: { transcript } }: Job): string | null {
  if (transcript === undefined || isAbsolute(transcript)) return transcript ?? null;
  return jobs.get(transcript)?.outputs.find(output => output.path.endsWith('.earshot.json'))?.path ?? null;
}

/** The editor reads a file that was written elsewhere anew within so long. */
export const RELOAD_MS = 3000;

const summaries = (state: MirrorState, file: string): Job[] =>
  [...state.jobs.values()].filter(job => {
    const of = job.options.source === 'transcript' ? fileOfSummary(state, job) : null;
    return of !== null && samePath(of, file);
  });

/** The job that makes the summary of a transcript file now. */
export const summaryUnderWay = (state: MirrorState, file: string): Job | undefined =>
  summaries(state, file).find(job => !isFinal(job.state));

/** One can be asked for where something was said, and nobody is transcribing the recording just now. */
export function summaryView(state: MirrorState, transcript: Transcript, file: string): SummaryView {
  const jobs = summaries(state, file),
    making = jobs.find(job => !isFinal(job.state)),
    { summary, recording, utterances } = transcript,
    stage = making?.progress.stages.summary;
  const arriving = !summary && jobs.some(job => job.state === 'completed' && Date.now() - job.finishedAt! < RELOAD_MS);
  const transcribing = (): boolean =>
    [...state.jobs.values()].some(
      job => job.options.source === undefined && samePath(job.recording.path, recording.path) && !isFinal(job.state),
    );
  return {
    made: summary ? { text: summary.text, language: summary.language, model: summary.model } : null,
    making: !making
      ? arriving
        ? ''
        : null
      : making.waiting
        ? reasonText(making.waiting)
        : stage && making.progress.utterances > 0
          ? vscode.l10n.t('{0} of {1}', stage.done, making.progress.utterances)
          : '',
    canMake:
      !making &&
      !arriving &&
      vscode.workspace.isTrusted &&
      utterances.some(u => sourceText(u).trim() !== '') &&
      !transcribing(),
  };
}

/**
 * Where somebody corrected the text while its summary was made, both are kept: what lies on the disk by now would stand
 * in the way of saving the rest, so it is saved with it.
 */
export async function summaryIntoOpen(file: string): Promise<void> {
  const uri = vscode.Uri.file(file),
    document = vscode.workspace.textDocuments.find(open => open.isDirty && open.uri.toString() === uri.toString());
  if (!document) return;
  const summary = (await readTranscript(uri))?.summary;
  if (!summary) return;
  await editTranscript(document, now => ({ ...now, summary }));
  // The same bytes on the disk are no conflict.
  await writeText(uri, document.getText(), { through: true });
  await document.save();
}
