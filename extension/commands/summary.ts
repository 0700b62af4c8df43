/** “Add a Summary”: what a transcript is about, by a language model of this machine, into the transcript. */
import * as vscode from 'vscode';
import { dirname, isAbsolute, join } from 'node:path';
import { samePath } from '../../client/same-path.ts';
import { EarshotError, thrown } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { escapeMarkdown } from '../../text/markdown.ts';
import { isFinal } from '../../schemas/words.ts';
import { recordingLinks } from '../../text/links.ts';
import { insertion } from '../streaming/section.ts';
import { fileOfSummary, summaryIntoOpen } from '../transcript/summary.ts';
import { endOf, fileOf, jobOf } from '../transcript/known.ts';
import { editDocument, saveDocument } from '../ui/files.ts';
import { notify, withProgress } from '../ui/notify.ts';
import { errorText } from '../ui/words.ts';
import type { Deps } from '../requests/request.ts';
import { modelName } from '../connection/mirror.ts';

const TRANSCRIPT = /\.earshot\.json$/i;
/** Summaries that somebody here waits for, and puts where they belong. */
const awaited = new Set<string>();

/** On a transcript file, on a job of the queue, or on what is in the editor. Null: given up. */
export async function addSummary(deps: Deps, argument?: unknown): Promise<string | null> {
  const { of, document, page } = await meant(deps, argument);
  const { job } = await deps.daemon.call('job/summary', { of });
  awaited.add(job.id);
  try {
    if (!deps.daemon.state.jobs.has(job.id)) deps.daemon.state.jobs.set(job.id, job);
    const ended = isFinal(job.state) ? job : page ? await quietEnd(deps, job) : await end(deps, job);
    if (!ended || ended.state === 'cancelled') return null;
    if (ended.state === 'failed') throw thrown(ended.failure!);
    const text = await textOf(deps, ended.id);
    if (document) await insert(document, text, modelOf(deps, ended));
    else if (!page) notify.info(text);
    return text;
  } finally {
    awaited.delete(job.id);
  }
}

/**
 * `page`: the transcript's own page is in front, and shows what becomes of it. @throws notATranscript where nothing is
 * meant
 */
async function meant(
  { daemon, streams }: Deps,
  argument: unknown,
): Promise<{ of: string; document?: vscode.TextDocument; page?: boolean }> {
  const id = typeof argument === 'string' ? argument : (argument as { job?: unknown } | null | undefined)?.job;
  if (typeof id === 'string') return { of: id };
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const uri =
    argument instanceof vscode.Uri
      ? argument
      : tab instanceof vscode.TabInputCustom || tab instanceof vscode.TabInputText
        ? tab.uri
        : undefined;
  if (uri && TRANSCRIPT.test(uri.path)) {
    // What was corrected by hand counts.
    const edited = vscode.workspace.textDocuments.find(open => open.uri.toString() === uri.toString() && open.isDirty);
    if (edited) await saveDocument(edited);
    return { of: uri.fsPath, page: tab instanceof vscode.TabInputCustom && tab.uri.toString() === uri.toString() };
  }
  const document = vscode.window.activeTextEditor?.document;
  if (!document) throw new EarshotError('notATranscript');
  await daemon.start();
  const streamed = streams.jobIn(document);
  if (streamed) return { of: streamed, document };
  const own = [...daemon.state.jobs.values()].find(
    job => job.state === 'completed' && job.outputs.some(output => samePath(output.path, document.uri.fsPath)),
  );
  if (own) return { of: own.id, ...(document.isDirty ? { document } : {}) };
  for (const { path } of recordingLinks(document.getText())) {
    const recording = vscode.Uri.file(isAbsolute(path) ? path : join(dirname(document.uri.fsPath), path)),
      file = await fileOf(recording),
      job = file ? null : jobOf(daemon, recording);
    if (file) return { of: file.fsPath, document };
    if (job?.state === 'completed') return { of: job.id, document };
  }
  throw new EarshotError('notATranscript', { path: document.uri.path.split('/').at(-1)! });
}

/** The page shows how far it is, and can stop it. */
async function quietEnd({ daemon }: Deps, { id }: Job): Promise<Job | null> {
  await endOf(daemon, id, new vscode.CancellationTokenSource().token);
  return daemon.state.jobs.get(id) ?? null;
}

function end({ daemon, log }: Deps, job: Job): Thenable<Job | null> {
  return withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Summarizing {0}', job.recording.name),
      cancellable: true,
    },
    async (progress, token) => {
      const { promise, resolve } = Promise.withResolvers<Job | null>();
      const look = (): void => {
        const now = daemon.state.jobs.get(job.id),
          stage = now?.progress.stages.summary;
        if (!now || isFinal(now.state)) return resolve(now ?? null);
        if (stage && now.progress.utterances > 0)
          progress.report({ message: vscode.l10n.t('{0} of {1}', stage.done, now.progress.utterances) });
      };
      const watch = vscode.Disposable.from(
        daemon.onChange(look),
        token.onCancellationRequested(() => {
          daemon.call('job/cancel', { ids: [job.id] }).catch((error: unknown) => log.warn(errorText(error)));
          resolve(null);
        }),
      );
      look();
      try {
        return await promise;
      } finally {
        watch.dispose();
      }
    },
  );
}

const textOf = async ({ daemon }: Deps, id: string): Promise<string> =>
  (await daemon.call('job/utterances', { id })).utterances.at(-1)?.summary?.text ?? '';
const modelOf = ({ daemon }: Deps, job: Job): string => modelName(daemon.state, job.models.summary ?? '');

async function insert(document: vscode.TextDocument, text: string, model: string): Promise<void> {
  const section = {
    title: vscode.l10n.t('Summary'),
    text: escapeMarkdown(text),
    note: `*${escapeMarkdown(vscode.l10n.t('By {0}, a language model; it may be wrong.', model))}*`,
    rest: vscode.l10n.t('Transcript'),
  };
  const { from, to, made } = insertion(document.getText(), section, document.languageId === 'markdown');
  await editDocument(document.uri, [
    vscode.TextEdit.replace(
      new vscode.Range(document.positionAt(from), document.positionAt(to)),
      document.eol === vscode.EndOfLine.CRLF ? made.replaceAll('\n', '\r\n') : made,
    ),
  ]);
}

/**
 * Summaries that were asked for with the transcript come into the document that it streamed into; all of them, into a
 * transcript that somebody is correcting.
 */
export function summariesInto(deps: Deps): vscode.Disposable {
  const { daemon, streams } = deps,
    open = new Set<string>();
  const arrived = async (job: Job, known: boolean): Promise<void> => {
    const file = fileOfSummary(daemon.state, job);
    if (file) await summaryIntoOpen(file);
    if (known) return;
    const document = streams.documentOf(job.options.transcript!);
    if (document?.languageId === 'markdown') await insert(document, await textOf(deps, job.id), modelOf(deps, job));
  };
  return daemon.onChange(change => {
    for (const id of change.all ? daemon.state.jobs.keys() : change.jobs) {
      const job = daemon.state.jobs.get(id);
      if (job?.options.source !== 'transcript') continue;
      if (!isFinal(job.state)) open.add(id);
      else if (open.delete(id) && job.state === 'completed')
        void arrived(job, awaited.has(id)).catch((error: unknown) => {
          deps.log.error(errorText(error));
          notify.error(errorText(error));
        });
    }
  });
}
