/**
 * What people do to a transcript, as functions from one transcript to the next. What was recognized always stays in the
 * file. Pure.
 */
import { sourceText, type RepairChange, type Transcript, type Turn, type Utterance } from '../../schemas/job.ts';
import { matchesIn, patternOf, type Query } from '../../text/transcripts/search.ts';

const CLOSE = /^(zh|ja|th|lo|km|my|yue)\b/;
/** What stands between two words of a language. */
export const glue = (language: string | null | undefined): string => (CLOSE.test(language ?? '') ? '' : ' ');
const at = (transcript: Transcript, index: number, change: (utterance: Utterance) => Utterance): Transcript => ({
  ...transcript,
  utterances: transcript.utterances.map(u => (u.index === index ? change(u) : u)),
});

/** A text that equals the recognized one needs no repair. */
function withText(u: Utterance, text: string): Utterance {
  const { repair, ...rest } = u;
  return text === u.asr?.text
    ? rest
    : { ...rest, repair: { text, changes: repair?.text === text ? repair.changes : [] } };
}

export const setText = (transcript: Transcript, index: number, text: string): Transcript =>
  at(transcript, index, u => withText(u, text));

export const setTranslation = (transcript: Transcript, index: number, text: string): Transcript =>
  at(transcript, index, u => ({ ...u, nmt: { text, language: u.nmt?.language ?? transcript.translatedTo ?? 'und' } }));

/**
 * The recognized words with these changes made; null when the words do not make up the text (then only all or nothing
 * can be taken back).
 */
export function withChanges({ asr, repair }: Utterance, changes: readonly RepairChange[]): string | null {
  if (!asr || !repair) return null;
  const words = asr.words.map(w => w.text.trim()),
    between = glue(asr.language);
  const made = (list: readonly RepairChange[]): string => {
    const parts: string[] = [];
    let next = 0;
    for (const c of [...list].sort((a, b) => a.from - b.from)) {
      parts.push(...words.slice(next, c.from), c.after);
      next = c.to;
    }
    return [...parts, ...words.slice(next)].filter(Boolean).join(between);
  };
  return made(repair.changes) === repair.text.trim() ? made(changes) : null;
}

/** Takes one change of the repair back, or all of them. */
export const takeBack = (transcript: Transcript, index: number, change: number | null): Transcript =>
  at(transcript, index, u => {
    const { repair, ...rest } = u,
      changes = repair?.changes.filter((_c, i) => i !== change) ?? [];
    const text = change === null || !changes.length ? null : withChanges(u, changes);
    return text === null ? rest : { ...rest, repair: { ...repair!, text, changes } };
  });

/** The repair stays, and is asked about no more. */
export const accept = (transcript: Transcript, index: number | null): Transcript => ({
  ...transcript,
  utterances: transcript.utterances.map(u =>
    u.repair && (index === null || u.index === index) ? { ...u, repair: { ...u.repair, changes: [] } } : u,
  ),
});

/** Who speaks when in an utterance, of one speaker as well. */
const turnsIn = ({ turns, speaker, startMs, endMs }: Utterance): Turn[] =>
  turns ?? (speaker === undefined ? [] : [{ speaker, startMs, endMs }]);

/**
 * An utterance and the one after it become one; the later ones keep their numbers, so that nothing else in the file
 * changes.
 */
export function merge(transcript: Transcript, index: number): Transcript {
  const { utterances } = transcript,
    i = utterances.findIndex(u => u.index === index),
    first = utterances[i],
    second = utterances[i + 1];
  if (!first || !second) return transcript;
  const join = (a: string | undefined, b: string | undefined, language: string | null | undefined): string =>
    [a, b].filter(Boolean).join(glue(language));
  const language = first.asr?.language ?? second.asr?.language,
    shift = first.asr?.words.length ?? 0;
  const changes = [
    ...(first.repair?.changes ?? []),
    ...(second.repair?.changes ?? []).map(c => ({ ...c, from: c.from + shift, to: c.to + shift })),
  ];
  const refused = first.nmt?.refused ?? second.nmt?.refused;
  const { tts: _tts, failed: _failed, turns: _turns, ...rest } = first,
    turns = [...turnsIn(first), ...turnsIn(second)];
  const comment = [first.comment, second.comment].filter(Boolean).join('\n');
  const one: Utterance = {
    ...rest,
    endMs: Math.max(first.endMs, second.endMs),
    ...(comment ? { comment } : {}),
    ...(new Set(turns.map(turn => turn.speaker)).size > 1 ? { turns } : {}),
    ...(first.asr || second.asr
      ? {
          asr: {
            text: join(first.asr?.text, second.asr?.text, language),
            words: [...(first.asr?.words ?? []), ...(second.asr?.words ?? [])],
            language: language!,
            languageProbability: Math.min(first.asr?.languageProbability ?? 1, second.asr?.languageProbability ?? 1),
          },
        }
      : {}),
    ...(first.repair || second.repair
      ? { repair: { text: join(sourceText(first), sourceText(second), language), changes } }
      : {}),
    ...(first.nmt || second.nmt
      ? {
          nmt: {
            text: join(first.nmt?.text, second.nmt?.text, first.nmt?.language),
            language: (first.nmt ?? second.nmt)!.language,
            ...(refused === undefined ? {} : { refused }),
          },
        }
      : {}),
  };
  return { ...transcript, utterances: [...utterances.slice(0, i), one, ...utterances.slice(i + 2)] };
}

/** Puts other words for some everywhere, but in the utterances left out. */
export function replaceAll(
  transcript: Transcript,
  query: Query,
  replacement: string,
  except: readonly number[] = [],
): { transcript: Transcript; count: number } {
  const pattern = patternOf(query),
    left = new Set(except);
  let count = 0;
  const utterances = transcript.utterances.map(u => {
    const text = sourceText(u),
      found = left.has(u.index) ? 0 : matchesIn(text, pattern).length;
    count += found;
    return found
      ? withText(
          u,
          text.replace(pattern, () => replacement),
        )
      : u;
  });
  return { transcript: count ? { ...transcript, utterances } : transcript, count };
}

/** What somebody notes about an utterance; an empty note is none. */
export const setComment = (transcript: Transcript, index: number, text: string): Transcript =>
  at(transcript, index, u => {
    const { comment: _old, ...rest } = u;
    return text.trim() ? { ...rest, comment: text.trim() } : rest;
  });

/** Takes every repair back that is still asked about. */
export const takeAllBack = (transcript: Transcript): Transcript => ({
  ...transcript,
  utterances: transcript.utterances.map(u => {
    if (!u.repair?.changes.length || !u.asr) return u;
    const { repair: _repair, ...rest } = u;
    return rest;
  }),
});

/** Who speaks these utterances; null: nobody is named. */
export const setSpeaker = (transcript: Transcript, indexes: readonly number[], name: string | null): Transcript => {
  const given = new Set(indexes);
  return {
    ...transcript,
    utterances: transcript.utterances.map(u => {
      if (!given.has(u.index)) return u;
      const { speaker: _old, turns: _turns, ...rest } = u;
      return name === null ? rest : { ...rest, speaker: name };
    }),
  };
};

/** The utterances around one that the same person speaks without a break, or in which nobody is named. */
export function turnOf({ utterances }: Pick<Transcript, 'utterances'>, index: number): number[] {
  const at = utterances.findIndex(u => u.index === index),
    speaker = utterances[at]?.speaker;
  if (at < 0) return [];
  let from = at,
    to = at + 1;
  while (from > 0 && utterances[from - 1]!.speaker === speaker) from--;
  while (to < utterances.length && utterances[to]!.speaker === speaker) to++;
  return utterances.slice(from, to).map(u => u.index);
}

/**
 * A speaker is called otherwise everywhere. Two that get one name were one: the voice that came first stands for both.
 */
export function renameSpeaker(transcript: Transcript, from: string, to: string): Transcript {
  const called = (name: string): string => (name === from ? to : name),
    voices: Record<string, string> = {};
  for (const [name, voice] of Object.entries(transcript.speakers ?? {})) voices[called(name)] ??= voice;
  return {
    ...transcript,
    ...(transcript.speakers ? { speakers: voices } : {}),
    utterances: transcript.utterances.map(u => ({
      ...u,
      ...(u.speaker === undefined ? {} : { speaker: called(u.speaker) }),
      ...(u.turns ? { turns: u.turns.map(turn => ({ ...turn, speaker: called(turn.speaker) })) } : {}),
    })),
  };
}

/** Everybody who speaks, in order of appearance. */
export const speakersIn = ({ utterances }: Pick<Transcript, 'utterances'>): string[] => [
  ...new Set(utterances.flatMap(u => turnsIn(u).map(turn => turn.speaker))),
];

/**
 * What speakers are called now, by what they were called before: known by their voice, or by all of their utterances
 * having one other name now. Whoever lost some utterances to others only is not renamed.
 */
export function renamed(before: Transcript, after: Transcript): Record<string, string> {
  const now = new Map(after.utterances.map(u => [u.index, u.speaker])),
    byVoice = new Map(Object.entries(after.speakers ?? {}).map(([name, voice]) => [voice, name]));
  return Object.fromEntries(
    speakersIn(before).flatMap(name => {
      if (speakersIn(after).includes(name)) return [];
      const voice = before.speakers?.[name],
        names = new Set(before.utterances.filter(u => u.speaker === name).flatMap(u => now.get(u.index) ?? []));
      const to =
        (voice === undefined ? undefined : byVoice.get(voice)) ?? (names.size === 1 ? [...names][0] : undefined);
      return to === undefined || to === name ? [] : [[name, to]];
    }),
  );
}
