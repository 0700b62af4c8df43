/** “Transcribe with…”: one sheet that shows every choice with its value, remembers them, and starts with Enter. */
import * as vscode from 'vscode';
import type { JobOptions, SpeakerOptions } from '../../schemas/job.ts';
import type { Model } from '../../schemas/model.ts';
import { PRIORITIES, type Format, type Priority, type Stage } from '../../schemas/words.ts';
import type { Daemon } from '../connection/connection.ts';
import { bytesText, languageName, stageName } from '../ui/words.ts';
import { pickLanguage } from './languages.ts';
import type { Choice } from '../requests/options.ts';
import { chosenBy, presetsOf, savePreset } from '../requests/presets.ts';
import { answered, askText, createPick, pick, pickSeveral, taken } from '../ui/pick.ts';
import { modelName } from '../connection/mirror.ts';

const LAST = 'earshot.lastChoice';
/** What a job takes. */
const MOST_SPEAKERS = 50;
export type Row<T> = vscode.QuickPickItem & { change?: (choice: T) => Promise<T | undefined>; start?: true };

/** The choice to start with, or null when given up. The last one is offered again. */
export async function choose(
  daemon: Daemon,
  memory: vscode.Memento,
  base: Choice,
  title: string,
): Promise<Choice | null> {
  const last = memory.get<Partial<Choice>>(LAST);
  void daemon.start().catch(() => {}); // the models are wanted in a moment
  const choice = await sheet(
    title,
    last ? { ...base, ...last, options: { ...base.options, ...withoutNulls(last.options) } } : base,
    each => rowsOf(each, base, daemon, memory),
  );
  // What was switched off is remembered as such: what is missing would be as the settings say.
  if (choice)
    await memory.update(LAST, {
      ...choice,
      options: Object.fromEntries(Object.entries(choice.options).map(([name, value]) => [name, value ?? null])),
    });
  return choice;
}

const withoutNulls = (options: Partial<JobOptions> | undefined): Partial<JobOptions> =>
  Object.fromEntries(Object.entries(options ?? {}).map(([name, value]) => [name, value ?? undefined]));

/** Lines that show every choice with its value; choosing one changes it, the first one starts. Null: given up. */
export async function sheet<T>(title: string, first: T, rowsOf: (choice: T) => Row<T>[]): Promise<T | null> {
  let choice = first;
  for (let active = 0; ;) {
    const rows = rowsOf(choice);
    const picked = await show(rows, title, active);
    if (!picked) return null;
    if (picked.start) return choice;
    active = rows.indexOf(picked);
    choice = (await picked.change?.(choice)) ?? choice;
  }
}

function show<T>(rows: Row<T>[], title: string, active: number): Promise<Row<T> | undefined> {
  const quick = createPick<Row<T>>();
  Object.assign(quick, {
    title,
    items: rows,
    placeholder: vscode.l10n.t('Press Enter to start, or choose a line to change it'),
    activeItems: [rows[active] ?? rows[0]!],
    matchOnDescription: true,
  });
  return taken(quick);
}

const icon = (name: string): vscode.ThemeIcon => new vscode.ThemeIcon(name);
const yesNo = (value: boolean | undefined): string => (value ? vscode.l10n.t('yes') : vscode.l10n.t('no'));

/** The lines of what is done with a recording. */
export function whatRows<T extends Pick<Choice, 'options'>>({ options }: T, memory: vscode.Memento): Row<T>[] {
  const set =
    (change: Partial<Choice['options']>) =>
    (c: T): T => ({ ...c, options: { ...c.options, ...change } });
  return [
    {
      label: vscode.l10n.t('Spoken language'),
      description: options.language ? languageName(options.language) : vscode.l10n.t('detect automatically'),
      iconPath: icon('comment'),
      change: async c => {
        const code = await pickLanguage(memory, {
          title: vscode.l10n.t('Which language is spoken?'),
          none: vscode.l10n.t('Detect automatically'),
          current: c.options.language ?? null,
        });
        return code === undefined ? undefined : set({ language: code ?? undefined })(c);
      },
    },
    {
      label: vscode.l10n.t('Repair misheard words'),
      description: yesNo(options.repair),
      iconPath: icon('wand'),
      change: async c => set({ repair: !c.options.repair })(c),
    },
    {
      label: vscode.l10n.t('Translate into'),
      description: options.translateTo ? languageName(options.translateTo) : yesNo(false),
      iconPath: icon('globe'),
      change: async c => {
        const code = await pickLanguage(memory, {
          title: vscode.l10n.t('Translate into which language?'),
          none: vscode.l10n.t('Do not translate'),
          current: c.options.translateTo ?? null,
        });
        return code === undefined ? undefined : set({ translateTo: code ?? undefined })(c);
      },
    },
    {
      label: vscode.l10n.t('Identify speakers'),
      description: speakersText(options.speakers),
      iconPath: icon('organization'),
      change: async c => {
        const speakers = await pickSpeakers(c.options.speakers);
        return speakers === undefined ? undefined : set({ speakers: speakers ?? undefined })(c);
      },
    },
    {
      label: vscode.l10n.t('Generate voice-over'),
      description: yesNo(options.speak),
      iconPath: icon('unmute'),
      change: async c => set({ speak: !c.options.speak })(c),
    },
    {
      label: vscode.l10n.t('Summarize'),
      description: yesNo(options.summary),
      iconPath: icon('list-unordered'),
      change: async c => set({ summary: c.options.summary ? undefined : true })(c),
    },
    {
      label: vscode.l10n.t('Context for the recognizer'),
      description: options.prompt?.slice(0, 60) || vscode.l10n.t('none'),
      iconPath: icon('note'),
      change: async c => {
        const prompt = await askText({ title: vscode.l10n.t('Names, subject, style'), value: c.options.prompt ?? '' });
        return prompt === undefined ? undefined : set({ prompt: prompt.slice(0, 2000) || undefined })(c);
      },
    },
  ];
}

function rowsOf(choice: Choice, base: Choice, daemon: Daemon, memory: vscode.Memento): Row<Choice>[] {
  const { options, document } = choice;
  const set =
    (change: Partial<Choice['options']>) =>
    (c: Choice): Choice => ({ ...c, options: { ...c.options, ...change } });
  const models = [...daemon.state.models.values()],
    nameOf = (id: string | undefined): string =>
      id ? modelName(daemon.state, id) : vscode.l10n.t('best for this machine');
  const model = (stage: Stage): Row<Choice> => ({
    label: vscode.l10n.t('Model: {0}', stageName(stage)),
    description: nameOf(options.models?.[stage]),
    iconPath: icon('package'),
    change: async c => {
      const id = await pickModel(stage, models);
      if (id === undefined) return undefined;
      const { [stage]: _old, ...rest } = c.options.models ?? {};
      return set({ models: id === null ? rest : { ...rest, [stage]: id } })(c);
    },
  });
  return [
    { label: vscode.l10n.t('Transcribe'), description: summary(choice), iconPath: icon('play'), start: true },
    {
      label: vscode.l10n.t('Use a Preset…'),
      iconPath: icon('bookmark'),
      change: async () => {
        const picked = await pick(
          Object.entries(await presetsOf(daemon)).map(([label, preset]) => ({
            label,
            description: summary(chosenBy(preset, base)),
            preset,
          })),
          { title: vscode.l10n.t('Which preset?') },
        );
        return picked && chosenBy(picked.preset, base);
      },
    },
    {
      label: vscode.l10n.t('Save as Preset…'),
      iconPath: icon('save'),
      change: async c => {
        const name = await askText({
          title: vscode.l10n.t('Name of the preset'),
          value: '',
          placeHolder: vscode.l10n.t('such as “Interview”; the same name again replaces it'),
        });
        if (name?.trim()) await savePreset(daemon, name.trim().slice(0, 80), c);
        return undefined;
      },
    },
    { label: vscode.l10n.t('What'), kind: vscode.QuickPickItemKind.Separator },
    ...whatRows(choice, memory),
    { label: vscode.l10n.t('Where'), kind: vscode.QuickPickItemKind.Separator },
    {
      label: vscode.l10n.t('Document'),
      description: {
        editor: vscode.l10n.t('the transcript editor'),
        untitled: vscode.l10n.t('a new text document'),
        saved: vscode.l10n.t('a text document saved beside the recording'),
        none: vscode.l10n.t('none'),
      }[document.open],
      iconPath: icon('go-to-file'),
      change: async c => {
        const order = ['editor', 'untitled', 'saved', 'none'] as const;
        return { ...c, document: { ...c.document, open: order[(order.indexOf(c.document.open) + 1) % order.length]! } };
      },
    },
    {
      label: vscode.l10n.t('Shape'),
      description: {
        markdown: 'Markdown',
        text: vscode.l10n.t('plain text'),
        srt: 'SubRip (.srt)',
        vtt: 'WebVTT (.vtt)',
      }[document.format],
      iconPath: icon('list-flat'),
      change: async c => {
        const order = ['markdown', 'text', 'srt', 'vtt'] as const;
        return { ...c, document: { ...c.document, format: order[(order.indexOf(c.document.format) + 1) % 4]! } };
      },
    },
    {
      label: vscode.l10n.t('Files beside the recording'),
      description: (options.outputs?.formats ?? []).join(', ') || vscode.l10n.t('none'),
      iconPath: icon('files'),
      change: async c => {
        const formats = await pickFormats(c.options.outputs?.formats ?? []);
        return formats && set({ outputs: { ...c.options.outputs, formats } })(c);
      },
    },
    { label: vscode.l10n.t('How'), kind: vscode.QuickPickItemKind.Separator },
    model('asr'),
    ...(options.repair ? [model('repair')] : []),
    ...(options.translateTo ? [model('nmt')] : []),
    ...(options.speak ? [model('tts')] : []),
    ...(options.summary ? [model('summary')] : []),
    {
      label: vscode.l10n.t('Priority'),
      description: priorityName(choice.priority),
      iconPath: icon('arrow-up'),
      change: async c => ({ ...c, priority: PRIORITIES[(PRIORITIES.indexOf(c.priority) + 1) % PRIORITIES.length]! }),
    },
  ];
}

export const priorityName = (priority: Priority): string =>
  ({
    urgent: vscode.l10n.t('Urgent'),
    high: vscode.l10n.t('High'),
    normal: vscode.l10n.t('Normal'),
    low: vscode.l10n.t('Low'),
  })[priority];

export function summary({ options }: Choice): string {
  return [
    options.language ? languageName(options.language) : null,
    options.repair ? stageName('repair') : null,
    options.translateTo ? `→ ${languageName(options.translateTo)}` : null,
    options.speakers ? vscode.l10n.t('speakers') : null,
    options.speak ? stageName('tts') : null,
    options.summary ? stageName('summary') : null,
  ]
    .filter(Boolean)
    .join(' · ');
}

const speakersText = (speakers: SpeakerOptions | undefined): string =>
  !speakers
    ? yesNo(false)
    : speakers.count === undefined
      ? vscode.l10n.t('as many as are detected')
      : speakers.count === 1
        ? vscode.l10n.t('one voice')
        : vscode.l10n.t('{0} voices', speakers.count);

/** Null: speakers are not labeled; undefined: given up. Any number can be typed. */
function pickSpeakers(now: SpeakerOptions | undefined): Promise<SpeakerOptions | null | undefined> {
  type Item = vscode.QuickPickItem & { speakers: SpeakerOptions | null };
  const item = (speakers: SpeakerOptions | null): Item => ({
    label: speakers ? speakersText(speakers) : vscode.l10n.t('Do not identify them'),
    speakers,
    ...(speakers && speakers.count === undefined ? { description: vscode.l10n.t('detected by their voices') } : {}),
  });
  const usual = [item({}), ...[2, 3, 4, 5, 6].map(count => item({ count })), item(null)];
  const quick = createPick<Item>();
  Object.assign(quick, {
    title: vscode.l10n.t('How many speakers are there?'),
    placeholder: vscode.l10n.t('Choose or type a number'),
    items: usual,
    activeItems: [
      usual.find(each => each.speakers?.count === now?.count && (each.speakers === null) === (now === undefined)) ??
        usual[0]!,
    ],
  });
  quick.onDidChangeValue(typed => {
    const count = /^\d{1,2}$/.test(typed.trim()) ? Number(typed) : 0;
    quick.items =
      count >= 1 && count <= MOST_SPEAKERS && !usual.some(each => each.speakers?.count === count)
        ? [{ ...item({ count }), alwaysShow: true }, ...usual]
        : usual;
  });
  return answered(quick, () => quick.activeItems[0]?.speakers);
}

async function pickModel(stage: Stage, models: readonly Model[]): Promise<string | null | undefined> {
  type Item = vscode.QuickPickItem & { id: string | null };
  const items: Item[] = [
    { label: vscode.l10n.t('Best for this machine'), id: null },
    ...models
      .filter(m => m.card.stages.includes(stage))
      .map(m => ({
        label: m.card.name,
        id: m.card.id,
        description: [
          m.state === 'installed'
            ? vscode.l10n.t('installed')
            : vscode.l10n.t('{0} to download', bytesText(m.card.files.reduce((sum, f) => sum + (f.bytes ?? 0), 0))),
          m.card.licence,
        ].join(' · '),
      })),
  ];
  return (await pick(items, { title: vscode.l10n.t('Model: {0}', stageName(stage)) }))?.id;
}

export const formatNames = (): Record<Format, string> => ({
  txt: vscode.l10n.t('plain text'),
  srt: 'SubRip',
  vtt: 'WebVTT',
  json: vscode.l10n.t('for the transcript editor'),
  md: 'Markdown',
  ass: 'Advanced SubStation',
  html: vscode.l10n.t('web page'),
  docx: 'Word',
  pdf: 'PDF',
  csv: vscode.l10n.t('table'),
  ttml: 'Timed Text',
  fcpxml: vscode.l10n.t('markers for Final Cut Pro'),
  edl: vscode.l10n.t('markers for DaVinci Resolve'),
});

export async function pickFormats(now: readonly Format[]): Promise<Format[] | undefined> {
  const picked = await pickSeveral(
    Object.entries(formatNames()).map(([format, name]) => ({
      label: format,
      description: name,
      picked: now.includes(format as Format),
    })),
    { title: vscode.l10n.t('Files beside the recording') },
  );
  return picked?.map(item => item.label as Format);
}
