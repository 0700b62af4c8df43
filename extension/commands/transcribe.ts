/** From a right click to a stream: choices into a request, the request into jobs, a job into a document. */
import * as vscode from 'vscode';
import { EarshotError } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { freeName, writeText } from '../ui/files.ts';
import type { Template } from '../streaming/layout.ts';
import { pickLanguage } from './languages.ts';
import { FILE_ENDINGS, LANGUAGE_IDS, settled, template, type Choice } from '../requests/options.ts';
import { chosen, recordingsIn } from '../requests/recordings.ts';
import { request, type Deps } from '../requests/request.ts';
import { openEditor } from '../transcript/open.ts';
import { chosenBy, presetsOf } from '../requests/presets.ts';
import { confirm } from '../ui/notify.ts';
import { pick } from '../ui/pick.ts';
import { choose, summary } from './sheet.ts';
import { showTranscripts } from './transcripts.ts';

export type Kind = 'preset' | 'plain' | 'subtitles' | 'translate' | 'speak' | 'with';

/** More at once than somebody may have meant. */
const MANY = 20;

/** Recordings must be files where the daemon runs. */
function onDisk(uris: readonly vscode.Uri[]): vscode.Uri[] {
  const elsewhere = uris.find(uri => uri.scheme !== 'file');
  if (elsewhere) throw new EarshotError('notOnDisk', { path: elsewhere.toString(true) });
  return [...uris];
}

/** The command of a kind, on the explorer's selection, a tab, or a choice of the moment. */
export async function transcribe(deps: Deps, kind: Kind, uri?: unknown, all?: unknown): Promise<Job[]> {
  const uris = await chosen(uri, all);
  if (!uris) return [];
  const recordings = await recordingsIn(onDisk(uris));
  if (!recordings.length) throw new EarshotError('noRecordings', { path: uris[0]!.fsPath });
  if (
    recordings.length > MANY &&
    !(await confirm(
      vscode.l10n.t('Transcribe {0} recordings?', recordings.length),
      vscode.l10n.t('Transcribe All'),
      vscode.l10n.t('The queue takes them one after the other; you can stop it at any time.'),
    ))
  )
    return [];
  const choice = await choiceOf(deps, kind, recordings);
  return choice ? submit(deps, recordings, choice) : [];
}

async function choiceOf(
  { daemon, memory }: Deps,
  kind: Kind,
  recordings: readonly vscode.Uri[],
): Promise<Choice | null> {
  const base = settled(recordings[0]),
    name =
      recordings.length === 1
        ? recordings[0]!.path.split('/').at(-1)!
        : vscode.l10n.t('{0} recordings', recordings.length);
  switch (kind) {
    case 'plain':
      return base;
    case 'subtitles': {
      const format = base.document.format === 'vtt' ? ('vtt' as const) : ('srt' as const),
        formats = base.options.outputs?.formats ?? [];
      return {
        ...base,
        options: { ...base.options, outputs: { ...base.options.outputs, formats: [...new Set([...formats, format])] } },
        document: { ...base.document, format },
      };
    }
    case 'translate':
    case 'speak': {
      const question = {
        title: vscode.l10n.t('Translate {0} into which language?', name),
        current: base.options.translateTo ?? null,
      };
      const code = await pickLanguage(
        memory,
        kind === 'speak' ? { ...question, none: vscode.l10n.t('Do not translate: speak the original') } : question,
      );
      if (code === undefined) return null;
      const { translateTo: _old, ...options } = base.options;
      return {
        ...base,
        options: {
          ...options,
          ...(code === null ? {} : { translateTo: code }),
          ...(kind === 'speak' ? { speak: true } : {}),
        },
      };
    }
    case 'preset': {
      const presets = Object.entries(await presetsOf(daemon));
      const picked = await pick(
        presets.map(([label, preset]) => ({
          label,
          description: summary(chosenBy(preset, base)),
          iconPath: new vscode.ThemeIcon('bookmark'),
          preset,
        })),
        { title: vscode.l10n.t('Transcribe {0} with which preset?', name), matchOnDescription: true },
      );
      return picked ? chosenBy(picked.preset, base) : null;
    }
    case 'with':
      return choose(daemon, memory, base, vscode.l10n.t('Transcribe {0} with…', name));
  }
}

/** Submits, opens what comes of it, and says what could not be taken. Of several, the queue shows how far they are. */
export async function submit(deps: Deps, recordings: readonly vscode.Uri[], choice: Choice): Promise<Job[]> {
  const jobs = await request(deps, recordings, choice);
  if (jobs.length === 1) await showResult(deps, jobs[0]!, choice.document);
  else if (jobs.length > 1 && jobs.every(job => job.state === 'completed')) await showTranscripts(deps, jobs);
  else if (jobs.length > 1) {
    deps.batches.add(jobs);
    await vscode.commands.executeCommand('earshot.queue.focus');
  }
  return jobs;
}

/** Where the text of a job is read: the transcript editor, or a document that it streams into. */
export async function showResult(deps: Deps, job: Job, { open, format }: Choice['document']): Promise<void> {
  if (open === 'none') return;
  if (open !== 'editor' || deps.streams.documentOf(job.id)) await openFor(deps, job, open, format);
  else if (job.state === 'completed' && vscode.workspace.isTrusted) await openEditor(deps, job.id);
  else await deps.showRunning(job);
}

/** The document that the job's transcript streams into: the open one, or a new one of the wanted kind. */
export async function openFor(
  deps: Deps,
  job: Job,
  open: Choice['document']['open'],
  format: Template['format'],
): Promise<vscode.TextDocument> {
  const there = deps.streams.documentOf(job.id);
  if (there) {
    await vscode.window.showTextDocument(there, { preview: false });
    return there;
  }
  const recording = vscode.Uri.file(job.recording.path);
  let document: vscode.TextDocument;
  if (open === 'saved') {
    const uri = await freeName(
      vscode.Uri.joinPath(recording, '..'),
      recording.path
        .split('/')
        .at(-1)!
        .replace(/\.[^.]+$/, ''),
      FILE_ENDINGS[format],
    );
    await writeText(uri, '');
    document = await vscode.workspace.openTextDocument(uri);
  } else document = await vscode.workspace.openTextDocument({ language: LANGUAGE_IDS[format], content: '' });
  await vscode.window.showTextDocument(document, { preview: false });
  deps.streams.start(job.id, document, template(job.recording.path, format, recording, true, document.uri), 0);
  return document;
}

/** The transcript of a recording at the cursor. */
export async function insertHere(deps: Deps, uri?: unknown): Promise<Job[]> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return [];
  const uris = await chosen(
    uri instanceof vscode.Uri && uri.toString() !== editor.document.uri.toString() ? uri : null,
    undefined,
  );
  const [recording] = uris ? await recordingsIn(onDisk(uris)) : [];
  if (!recording) return [];
  const choice = settled(recording),
    jobs = await request(deps, [recording], choice);
  const format = editor.document.languageId === 'markdown' ? ('markdown' as const) : ('text' as const);
  for (const job of jobs)
    deps.streams.start(
      job.id,
      editor.document,
      template(job.recording.path, format, recording, false, editor.document.uri),
      editor.document.offsetAt(editor.selection.active),
    );
  return jobs;
}
