/** What can be done with a subtitle file: fitted to its recording, made into another format, translated. */
import * as vscode from 'vscode';
import { basename, dirname, extname } from 'node:path';
import { failure, thrown, type Failure } from '../../schemas/errors.ts';
import type { Utterance } from '../../schemas/job.ts';
import { cuesOf, formatOf, writeCues, type SubtitleFormat } from '../../text/subtitles/convert.ts';
import { reducedIn, unclearIn } from '../../text/subtitles/losses.ts';
import { parseSubtitles, writeTimes, type SubtitleCue, type SubtitleKind } from '../../text/subtitles/parse.ts';
import { moved, synchronise, type Sync } from '../../text/subtitles/sync.ts';
import { readSpeech, type Speech } from '../../text/subtitles/units.ts';
import { pickLanguage } from '../commands/languages.ts';
import { settled } from '../requests/options.ts';
import { chosen } from '../requests/recordings.ts';
import { request, type Deps } from '../requests/request.ts';
import { freeName, editDocument, writeBytes } from '../ui/files.ts';
import { withGlossary } from '../requests/glossary.ts';
import { endOf, knownUtterances } from '../transcript/known.ts';
import { notify, withProgress } from '../ui/notify.ts';
import { failureText, languageName, numberText } from '../ui/words.ts';
import { bytesFor, textOf } from './encoding.ts';
import { siblingRecording } from './sibling.ts';
import { languageOfName, stemsOf } from './names.ts';
import { kindOf, limits } from './read.ts';
import { translated } from './translated.ts';
import { pick } from '../ui/pick.ts';

const FORMAT_NAMES = (): Record<SubtitleFormat | 'txt' | 'md', string> => ({
  srt: 'SubRip',
  vtt: 'WebVTT',
  ass: 'Advanced SubStation',
  txt: vscode.l10n.t('plain text'),
  md: 'Markdown',
});

interface Source {
  document: vscode.TextDocument;
  format: SubtitleFormat;
}

/** The file that the command was called on, else the document in front. */
async function sourceOf(uri: unknown): Promise<Source | null> {
  const document =
      uri instanceof vscode.Uri
        ? await vscode.workspace.openTextDocument(uri)
        : vscode.window.activeTextEditor?.document,
    format = document && (formatOf(document.uri.path) ?? kindOf(document));
  if (document && format) return { document, format };
  notify.info(vscode.l10n.t('Open or choose a subtitle file first.'));
  return null;
}

/** Says in one notification what was not understood, or had no place in what was made. */
function sayNotes(notes: readonly Failure[]): void {
  if (notes.length) notify.warn(notes.map(failureText).join(' '));
}

const unclear = (speech: Speech, path: string): Failure[] => {
  const found = unclearIn(speech);
  return found ? [failure('subtitlesUnclear', { path, ...found })] : [];
};

/** A file beside the source, of a name that is free; opened. Its name, and what could not be kept. */
async function writeBeside(
  { document }: Source,
  ending: string,
  text: string,
  encoding = 'utf-8',
): Promise<{ path: string; notes: Failure[] }> {
  if (document.isUntitled) {
    await vscode.window.showTextDocument(
      await vscode.workspace.openTextDocument({
        content: text,
        language: ending.endsWith('srt') ? 'srt' : ending.endsWith('vtt') ? 'vtt' : 'plaintext',
      }),
    );
    return { path: ending, notes: [] };
  }
  const folder = vscode.Uri.file(dirname(document.uri.fsPath)),
    stem = stemsOf(document.uri.fsPath).at(/^[a-z]{2,3}(-|\.)/.test(ending) ? -1 : 0)!;
  const uri = await freeName(folder, stem, ending);
  const { bytes, notes } = bytesFor(text, encoding, uri.path);
  await writeBytes(uri, bytes);
  await vscode.window.showTextDocument(uri, { preview: false });
  return { path: basename(uri.path), notes };
}

/** @param to as a program gives it; asked for when missing */
export async function convert(uri?: unknown, to?: unknown): Promise<void> {
  const source = await sourceOf(uri);
  if (!source) return;
  const names = FORMAT_NAMES(),
    others = (Object.keys(names) as (keyof typeof names)[]).filter(format => format !== source.format);
  const target =
    others.find(format => format === to) ??
    (
      await pick(
        others.map(format => ({ label: names[format], description: `.${format}`, format })),
        { title: vscode.l10n.t('Convert to…') },
      )
    )?.format;
  if (!target) return;
  const { text, notes } = await textOf(source.document, languageOfName(source.document.uri.path) ?? undefined),
    speech = readSpeech(text, source.format),
    reduced = reducedIn(speech),
    title = stemsOf(source.document.uri.path)[0]!;
  const { path } = await writeBeside(source, target, writeCues(cuesOf(speech), target, title));
  sayNotes([
    ...notes,
    ...unclear(speech, basename(source.document.uri.path)),
    ...(reduced ? [failure('subtitlesReduced', { path, ...reduced })] : []),
  ]);
}

/** The words of the recording beside, heard now where nobody did yet. Null: given up. */
async function heard(deps: Deps, recording: vscode.Uri): Promise<Utterance[] | null> {
  const known = await knownUtterances(deps.daemon, recording).catch(() => null);
  if (known?.some(u => u.asr?.words.length)) return known;
  const choice = settled(recording);
  const [job] = await request(deps, [recording], {
    ...choice,
    options: { ...choice.options, repair: false, outputs: { formats: [] } },
  });
  return job ? waited(deps, job.id, vscode.l10n.t('Listening to {0}', basename(recording.fsPath))) : null;
}

/** The utterances of a job at its end, with its progress to see meanwhile. Null: given up. */
async function waited({ daemon }: Deps, id: string, title: string): Promise<Utterance[] | null> {
  return withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      let before = 0;
      const watch = daemon.onChange(() => {
        const job = daemon.state.jobs.get(id),
          last = job?.stages.at(-1),
          share =
            job && last ? (100 * (job.progress.stages[last]?.done ?? 0)) / Math.max(1, job.progress.utterances) : 0;
        if (share > before) {
          progress.report({ increment: share - before });
          before = share;
        }
      });
      try {
        if (!(await endOf(daemon, id, token))) {
          await daemon.call('job/cancel', { ids: [id] });
          return null;
        }
        const { job } = await daemon.call('job/get', { id });
        if (job.state !== 'completed') {
          if (job.failure) throw thrown(job.failure);
          return null;
        }
        return (await daemon.call('job/utterances', { id })).utterances;
      } finally {
        watch.dispose();
      }
    },
  );
}

/** The subtitles' times fitted to what is said in the recording; an edit like any other. */
export async function synchroniseWith(deps: Deps, uri?: unknown): Promise<Sync | null> {
  const source = await sourceOf(uri),
    kind = source?.format;
  if (!source || (kind !== 'srt' && kind !== 'vtt')) return null;
  const { document } = source,
    recording = (await siblingRecording(document.uri)) ?? (await chosen(null, undefined))?.[0];
  if (!recording) return null;
  const utterances = await heard(deps, recording);
  if (!utterances) return null;
  const { cues } = parseSubtitles(document.getText(), kind),
    words = utterances.flatMap(u => u.asr?.words ?? []);
  // Subtitles in the language of a translation are held against that.
  const sync =
    synchronise(cues, words, kind) ??
    synchronise(
      cues,
      utterances.flatMap(u => (u.nmt ? [{ text: u.nmt.text, startMs: u.startMs, endMs: u.endMs }] : [])),
      kind,
    );
  if (!sync) {
    notify.warn(
      vscode.l10n.t(
        'The subtitles and {0} have too few words in common. Are they for another language, or another film?',
        basename(recording.fsPath),
      ),
    );
    return null;
  }
  const shift = numberText(sync.shiftMs / 1000, 2),
    stretch = numberText((sync.scale - 1) * 100, 2);
  if (Math.abs(sync.shiftMs) < 40 && sync.scale === 1) {
    notify.info(vscode.l10n.t('The subtitles already fit.'));
    return sync;
  }
  await editDocument(
    document.uri,
    cues
      .filter(cue => cue.startMs !== null && cue.endMs !== null)
      .map(cue => vscode.TextEdit.replace(document.lineAt(cue.timeLine).range, timesAt(cue, kind, sync))),
  );
  await vscode.window.showTextDocument(document, { preview: false });
  notify.info(
    sync.scale === 1
      ? vscode.l10n.t('Shifted by {0} s: {1} places match what is said.', shift, sync.anchors)
      : vscode.l10n.t(
          'Shifted by {0} s and stretched by {1}%: {2} places match what is said.',
          shift,
          stretch,
          sync.anchors,
        ),
  );
  return sync;
}

const timesAt = ({ startMs, endMs, settings }: SubtitleCue, kind: SubtitleKind, sync: Sync): string =>
  writeTimes({ startMs: moved(startMs!, sync), endMs: moved(endMs!, sync) }, kind) + (settings ? ` ${settings}` : '');

/** A copy in another language: the same cues at the same times. */
export async function translate(deps: Deps, uri?: unknown, to?: unknown): Promise<void> {
  const source = await sourceOf(uri);
  if (!source) return;
  const { document, format } = source,
    named = languageOfName(document.uri.path),
    name = basename(document.uri.path);
  if (document.isUntitled || document.uri.scheme !== 'file')
    return notify.info(vscode.l10n.t('Save the subtitles first.'));
  const from =
    named ??
    (await pickLanguage(deps.memory, {
      title: vscode.l10n.t('Which language is {0} in?', name),
      current: settled(document.uri).options.language ?? null,
    }));
  if (!from) return;
  const target =
    typeof to === 'string'
      ? to
      : await pickLanguage(deps.memory, {
          title: vscode.l10n.t('Translate {0} into which language?', name),
          current: settled(document.uri).options.translateTo ?? null,
        });
  if (!target || !(await document.save())) return;
  const { models } = settled(document.uri).options,
    { text, encoding, notes } = await textOf(document, from);
  const options = await withGlossary(document.uri, {
    source: 'text',
    language: from,
    ...(encoding === 'utf-8' ? {} : { encoding }),
    repair: false,
    translateTo: target,
    outputs: { formats: [] },
    ...(models?.nmt ? { models: { nmt: models.nmt } } : {}),
  });
  const {
    results: [result],
  } = await deps.daemon.call('job/submit', { jobs: [{ recording: document.uri.fsPath, options, priority: 'high' }] });
  if (!result) return;
  if ('failure' in result) return notify.error(failureText(result.failure));
  const utterances = await waited(
    deps,
    result.job.id,
    vscode.l10n.t('Translating {0} into {1}', name, languageName(target)),
  );
  if (!utterances) return;
  const made = translated(text, format, utterances, limits(document.uri)),
    { path, notes: kept } = await writeBeside(source, `${target}${extname(document.uri.path)}`, made.text, encoding);
  sayNotes([
    ...notes,
    ...kept,
    ...unclear(readSpeech(text, format), name),
    ...(made.losses.wordTimes ? [failure('subtitlesReduced', { path, ...made.losses })] : []),
  ]);
}

/** Above a subtitle document: what can be done with it. */
export const subtitleLenses: vscode.CodeLensProvider = {
  async provideCodeLenses(document) {
    const top = new vscode.Range(0, 0, 0, 0),
      recording = await siblingRecording(document.uri).catch(() => null);
    const lens = (title: string, command: string): vscode.CodeLens =>
      new vscode.CodeLens(top, { title, command: `earshot.subtitles.${command}`, arguments: [document.uri] });
    if (document.getText().trim() === '') return [];
    return [
      ...(recording && vscode.workspace.isTrusted
        ? [lens(vscode.l10n.t('Synchronize with {0}', basename(recording.fsPath)), 'synchronise')]
        : []),
      lens(vscode.l10n.t('Convert to…'), 'convert'),
      ...(vscode.workspace.isTrusted ? [lens(vscode.l10n.t('Translate…'), 'translate')] : []),
    ];
  },
};
