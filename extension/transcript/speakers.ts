/**
 * “Who speaks?”: one list in which a name is typed or chosen. What is typed renames the speaker everywhere, or goes to
 * this utterance alone, or to the whole turn.
 */
import * as vscode from 'vscode';
import { harmlessLine } from '../../text/harmless.ts';
import { sourceText, type Transcript } from '../../schemas/job.ts';
import { renameSpeaker, setSpeaker, speakersIn, turnOf } from './edits.ts';
import { answered, createPick } from '../ui/pick.ts';
import { shownName } from '../ui/words.ts';

const LONGEST_NAME = 100;
/** What a choice does to the transcript as it is by then. */
export type Change = (now: Transcript) => Transcript;
type Item = vscode.QuickPickItem & { change?: Change };

const clean = (typed: string): string => harmlessLine(typed, ' ').replace(/\s+/gu, ' ').trim().slice(0, LONGEST_NAME);

/**
 * The lines for what is typed so far. `index`: the utterance that was asked about; null: the speaker as a whole. Pure
 * but for words.
 */
function itemsFor(transcript: Transcript, current: string | undefined, index: number | null, typed: string): Item[] {
  const all = speakersIn(transcript),
    name = clean(typed),
    exact = all.find(
      each => each.toLowerCase() === name.toLowerCase() || shownName(each).toLowerCase() === name.toLowerCase(),
    );
  const icon = (id: string): vscode.ThemeIcon => new vscode.ThemeIcon(id),
    here = vscode.l10n.t('this utterance only');
  const counted = (n: number): string =>
    n === 1 ? vscode.l10n.t('one utterance') : vscode.l10n.t('{0} utterances', n);
  const times = (speaker: string): string => counted(transcript.utterances.filter(u => u.speaker === speaker).length);
  const others = all.filter(each => each !== current),
    turn = index === null ? [] : turnOf(transcript, index);
  /** A line for this utterance alone, and where the turn goes on one for the whole of it. */
  const give = (called: string, to: string | null, one: Item): Item[] => [
    one,
    ...(turn.length < 2
      ? []
      : [
          {
            label: vscode.l10n.t('{0} (the whole turn)', called),
            description: counted(turn.length),
            iconPath: icon('organization'),
            ...(one.alwaysShow ? { alwaysShow: true } : {}),
            change: (now: Transcript) => setSpeaker(now, turn, to),
          },
        ]),
  ];
  // The list puts first what begins with the words that were typed, and of those the shortest: so the name alone is
  // what is meant most often.
  const typedItems: Item[] =
    !name || name === current
      ? []
      : [
          ...(current === undefined || exact
            ? []
            : [
                {
                  label: name,
                  description: vscode.l10n.t('everywhere, instead of {0}', shownName(current)),
                  iconPath: icon('edit'),
                  alwaysShow: true,
                  change: (now: Transcript) => renameSpeaker(now, current, name),
                },
              ]),
          ...(index === null || exact
            ? []
            : give(name, name, {
                label: vscode.l10n.t('{0} (this utterance only)', name),
                iconPath: icon('person-add'),
                alwaysShow: true,
                change: (now: Transcript) => setSpeaker(now, [index], name),
              })),
          ...(current !== undefined && exact && exact !== current && index !== null
            ? [
                {
                  label: vscode.l10n.t('{0} is {1}', shownName(current), shownName(exact)),
                  description: vscode.l10n.t('both become one, everywhere'),
                  iconPath: icon('merge'),
                  alwaysShow: true,
                  change: (now: Transcript) => renameSpeaker(now, current, exact),
                },
              ]
            : []),
        ];
  const choose: Item[] =
    index === null
      ? others.map(each => ({
          label: vscode.l10n.t('{0} is {1}', shownName(current!), shownName(each)),
          description: vscode.l10n.t('both become one, everywhere'),
          iconPath: icon('merge'),
          change: (now: Transcript) => renameSpeaker(now, current!, each),
        }))
      : [
          ...others.flatMap(each =>
            give(shownName(each), each, {
              label: shownName(each),
              description: `${here} · ${times(each)}`,
              iconPath: icon('person'),
              change: (now: Transcript) => setSpeaker(now, [index], each),
            }),
          ),
          ...(current === undefined
            ? []
            : give(vscode.l10n.t('Nobody'), null, {
                label: vscode.l10n.t('Nobody'),
                description: here,
                iconPath: icon('circle-slash'),
                change: (now: Transcript) => setSpeaker(now, [index], null),
              })),
        ];
  return exact ? [...choose, ...typedItems] : [...typedItems, ...choose];
}

/** What was chosen; null: given up. */
export async function askSpeaker(
  transcript: Transcript,
  about: { index: number } | { speaker: string },
): Promise<Change | null> {
  const index = 'index' in about ? about.index : null,
    utterance = transcript.utterances.find(u => u.index === index),
    current = 'index' in about ? utterance?.speaker : about.speaker;
  const quick = createPick<Item>();
  quick.title = utterance
    ? vscode.l10n.t('Who says “{0}”?', sourceText(utterance).slice(0, 60))
    : vscode.l10n.t('Who is {0}?', shownName(current!));
  quick.placeholder = speakersIn(transcript).length
    ? vscode.l10n.t('Type or choose a name')
    : vscode.l10n.t('Type a name');
  const fill = (): void => {
    quick.items = itemsFor(transcript, current, index, quick.value);
  };
  fill();
  quick.onDidChangeValue(fill);
  const change = await answered(quick, () => {
    // Whoever types fast and presses Enter means what stands in the field, not what was active a letter before.
    const label = quick.activeItems[0]?.label,
      typed = clean(quick.value).toLowerCase(),
      items = itemsFor(transcript, current, index, quick.value);
    return (items.find(item => item.label === label) ?? items.find(item => item.label.toLowerCase().startsWith(typed)))
      ?.change;
  });
  return change ?? null;
}
