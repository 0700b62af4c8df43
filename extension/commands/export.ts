/** “Export…”: one sheet that shows what the file will be like, remembers it, and asks where it goes. */
import * as vscode from 'vscode';
import type { ExportOptions, Transcript } from '../../schemas/job.ts';
import { isTextFormat, type Format } from '../../schemas/words.ts';
import { FRAME_RATES, USUAL_FPS } from '../../text/transcripts/frames.ts';
import { formatNames, sheet, type Row } from './sheet.ts';
import type { Deps } from '../requests/request.ts';
import { saveDocument } from '../ui/files.ts';
import { notify } from '../ui/notify.ts';
import { askText, pick } from '../ui/pick.ts';
import { isTranscript } from '../transcript/exports.ts';
import { readTranscript } from '../transcript/known.ts';

const LAST = 'earshot.lastExport';
const EXPORTED = ['docx', 'pdf', 'md', 'html', 'txt', 'srt', 'vtt', 'ass', 'ttml', 'csv', 'fcpxml', 'edl'] as const;
type Exported = (typeof EXPORTED)[number];
const SUBTITLES: ReadonlySet<Format> = new Set(['srt', 'vtt', 'ass', 'ttml']),
  MARKERS: ReadonlySet<Format> = new Set(['fcpxml', 'edl']);
const LEAST_COLUMNS = 16,
  MOST_COLUMNS = 120;

interface Wanted {
  format: Exported;
  options: ExportOptions;
  follow: boolean;
}

/** @param target the transcript; else the one that is open in front */
export async function exportTranscript({ daemon, memory }: Deps, target?: unknown): Promise<vscode.Uri | null> {
  const uri = target instanceof vscode.Uri ? target : shown();
  if (!uri || !isTranscript(uri)) {
    notify.info(vscode.l10n.t('Open a transcript first.'));
    return null;
  }
  const document = vscode.workspace.textDocuments.find(each => each.uri.toString() === uri.toString());
  if (document?.isDirty) await saveDocument(document);
  const transcript = await readTranscript(uri);
  if (!transcript) {
    notify.warn(vscode.l10n.t('This file cannot be read as a transcript.'));
    return null;
  }
  const first: Wanted = { format: 'docx', options: {}, follow: true, ...memory.get<Partial<Wanted>>(LAST) };
  const wanted = await sheet(vscode.l10n.t('Export {0}', transcript.recording.name), first, each =>
    rowsOf(each, transcript),
  );
  if (!wanted) return null;
  void memory.update(LAST, wanted);
  const { format, follow } = wanted,
    place = await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.file(uri.fsPath.replace(/\.earshot\.json$/i, `.${format}`)),
      filters: { [formatNames()[format]]: [format] },
      title: vscode.l10n.t('Save as'),
    });
  if (!place) return null;
  const options = fitting(wanted, transcript);
  const { files } = await daemon.call('transcript/export', {
    path: uri.fsPath,
    // The dialog has asked about a file that is there.
    to: { path: place.fsPath, format, follow, replace: true, ...(Object.keys(options).length ? { options } : {}) },
  });
  const made = vscode.Uri.file(files[0]!.path);
  if (isTextFormat(format) && format !== 'html')
    await vscode.window.showTextDocument(made, { viewColumn: vscode.ViewColumn.Beside, preview: true });
  else
    notify.info(
      vscode.l10n.t('Exported to {0}.', vscode.workspace.asRelativePath(made)),
      { title: vscode.l10n.t('Open'), run: () => vscode.env.openExternal(made) },
      { title: vscode.l10n.t('Show in Folder'), run: () => vscode.commands.executeCommand('revealFileInOS', made) },
    );
  return made;
}

function shown(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputCustom || input instanceof vscode.TabInputText ? input.uri : undefined;
}

/** What of the choice means something for this format and transcript. */
function fitting({ format, options }: Wanted, { translatedTo }: Transcript): ExportOptions {
  const { text, times, speakers, lineLength, fps } = options;
  return {
    ...(text && text !== 'original' && translatedTo !== null ? { text } : {}),
    ...(hasTimes(format) && times === false ? { times } : {}),
    ...(format === 'txt' && times ? { times } : {}),
    ...(speakers === false ? { speakers } : {}),
    ...(SUBTITLES.has(format) && lineLength !== undefined ? { lineLength } : {}),
    ...(MARKERS.has(format) && fps !== undefined ? { fps } : {}),
  };
}
const hasTimes = (format: Format): boolean => !SUBTITLES.has(format) && !MARKERS.has(format) && format !== 'txt';

const icon = (name: string): vscode.ThemeIcon => new vscode.ThemeIcon(name);
const yesNo = (value: boolean): string => (value ? vscode.l10n.t('yes') : vscode.l10n.t('no'));

function rowsOf(wanted: Wanted, { translatedTo, utterances }: Transcript): Row<Wanted>[] {
  const { format, options, follow } = wanted,
    names = formatNames(),
    set =
      (change: Partial<ExportOptions>) =>
      (now: Wanted): Wanted => ({ ...now, options: { ...now.options, ...change } });
  const texts = {
    original: vscode.l10n.t('the original'),
    translation: vscode.l10n.t('the translation'),
    bilingual: vscode.l10n.t('both'),
  };
  const rows: (Row<Wanted> | null)[] = [
    { label: vscode.l10n.t('Export'), description: names[format], iconPath: icon('export'), start: true },
    { label: vscode.l10n.t('What'), kind: vscode.QuickPickItemKind.Separator },
    {
      label: vscode.l10n.t('Format'),
      description: names[format],
      iconPath: icon('file'),
      change: async now => {
        const picked = await pick(
          EXPORTED.map(each => ({ label: names[each], description: `.${each}`, format: each })),
          { title: vscode.l10n.t('Export as…'), matchOnDescription: true },
        );
        return picked && { ...now, format: picked.format };
      },
    },
    translatedTo === null
      ? null
      : {
          label: vscode.l10n.t('Language'),
          description: texts[options.text ?? 'original'],
          iconPath: icon('globe'),
          change: async now => {
            const picked = await pick(
              (['original', 'translation', 'bilingual'] as const).map(text => ({ label: texts[text], text })),
              { title: vscode.l10n.t('Which text?') },
            );
            return picked && set({ text: picked.text })(now);
          },
        },
    hasTimes(format) || format === 'txt'
      ? {
          label: vscode.l10n.t('Times'),
          description: yesNo(options.times ?? format !== 'txt'),
          iconPath: icon('clock'),
          change: async now => set({ times: !(now.options.times ?? now.format !== 'txt') })(now),
        }
      : null,
    utterances.some(({ speaker }) => speaker !== undefined)
      ? {
          label: vscode.l10n.t('Speakers'),
          description: yesNo(options.speakers ?? true),
          iconPath: icon('organization'),
          change: async now => set({ speakers: !(now.options.speakers ?? true) })(now),
        }
      : null,
    SUBTITLES.has(format)
      ? {
          label: vscode.l10n.t('Line length'),
          description:
            options.lineLength === undefined
              ? vscode.l10n.t('as usual in the language')
              : vscode.l10n.t('{0} characters', options.lineLength),
          iconPath: icon('whole-word'),
          change: askLineLength,
        }
      : null,
    MARKERS.has(format)
      ? {
          label: vscode.l10n.t('Frame rate'),
          description: String(options.fps ?? USUAL_FPS),
          iconPath: icon('device-camera-video'),
          change: async now => {
            const picked = await pick(
              FRAME_RATES.map(fps => ({ label: String(fps), fps })),
              { title: vscode.l10n.t('Frame rate of the film') },
            );
            return picked && set({ fps: picked.fps })(now);
          },
        }
      : null,
    {
      label: vscode.l10n.t('Keep in step with the transcript'),
      description: yesNo(follow),
      iconPath: icon('sync'),
      change: async now => ({ ...now, follow: !now.follow }),
    },
  ];
  return rows.filter(row => row !== null);
}

/** Empty: as usual; what is no length asks for none. */
async function askLineLength(now: Wanted): Promise<Wanted | undefined> {
  const { lineLength: before, ...rest } = now.options;
  const typed = await askText({
    title: vscode.l10n.t('Characters in a line, {0} to {1}; empty: as usual', LEAST_COLUMNS, MOST_COLUMNS),
    value: before === undefined ? '' : String(before),
  });
  if (typed === undefined) return undefined;
  const lineLength = Number(typed);
  return Number.isInteger(lineLength) && lineLength >= LEAST_COLUMNS && lineLength <= MOST_COLUMNS
    ? { ...now, options: { ...rest, lineLength } }
    : { ...now, options: rest };
}
