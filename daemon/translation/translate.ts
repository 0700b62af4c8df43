/**
 * Translation of one utterance by a language model: ask, look at the answer, ask more plainly when something is wrong
 * with it.
 */
import { EarshotError } from '../../schemas/errors.ts';
import type { NmtOutput } from '../../schemas/job.ts';
import type { StepInputs } from '../contracts/worker-protocol.ts';
import type { Asker } from '../contracts/language-model.ts';
import { sentencesOf } from '../../text/sentences.ts';
import { faultOf, spokenLength, type Fault, type Knows } from './guard.ts';
import type { Dictionaries } from '../repair/dictionaries.ts';
import { languageName, question, readAnswer } from './prompt.ts';
import { withStandIns } from './stand-ins.ts';
import { mayBeSpokenTo } from './steering.ts';
import { support } from './support.ts';
import { demandsOf, enforced, missing, substituted } from './terms.ts';

/** Faults that a reader would rather have than nothing. */
const BEARABLE: readonly (Fault | null)[] = [null, 'terms', 'names', 'short', 'language', 'negation'];
/** Of these, those that an answer has which is no translation at all. */
const DOUBTFUL: ReadonlySet<Fault | null> = new Set(['short', 'language']);
/** How much of its text a translation explains at least, and how many of its words come back when it is translated. */
const LEAST_EXPLAINED = 0.4,
  LEAST_COMING_BACK = 0.4;

interface Tried {
  text: string | null;
  fault: Fault | 'steered' | null;
}

/**
 * Translates `input.text`. First with what was said before and the glossary, then with the glossary's translations in
 * their places already, then plainly, then sentence by sentence; where a number went wrong, with others in place of its
 * numbers. Where nothing comes that may stand, the text itself is the answer, with the reason in `refused`.
 * @throws badAnswer when the model gives no answers of the agreed shape
 */
export async function translate(
  input: StepInputs['nmt'],
  asker: Asker,
  knows: Knows,
  signal: AbortSignal,
): Promise<NmtOutput> {
  if (!/[\p{L}\p{N}]/u.test(input.text)) return { text: input.text.trim(), language: input.to };
  const demands = demandsOf(input.text, input.glossary),
    answers = new Map<string, string>();
  const judged = (source: string, answer: string | null): Tried & { fault: Fault | null } => {
    const target = answer === null ? null : enforced(answer, demands);
    const fault =
      target === null
        ? ('long' as const)
        : faultOf({ source, target, from: input.from, to: input.to, before: input.before }, knows);
    // Only the whole must have every term.
    return {
      text: target,
      fault: fault ?? (source === input.text && missing(target!, demands).length ? ('terms' as const) : null),
    };
  };
  // The same question has the same answer: without context and terms the plain one is no other.
  const askFor = async (text: string, plain: boolean): Promise<string | null> => {
    const asked = question(input, text, plain),
      key = JSON.stringify(asked.turns);
    const answer = answers.get(key) ?? (await asker.ask(asked, signal));
    answers.set(key, answer);
    return readAnswer(answer);
  };
  const once = async (text: string, plain: boolean) => judged(text, await askFor(text, plain));
  const numbered = async (text: string) => {
    const asked = withStandIns(text, input.from, input.to),
      answer = asked && (await askFor(asked.text, true));
    return asked ? judged(text, answer === null ? null : asked.restored(answer)) : once(text, true);
  };
  const stands = async ({ text, fault }: Tried & { fault: Fault | null }): Promise<boolean> =>
    !(DOUBTFUL.has(fault) || looksSteered(input.text, text!)) || (await isTranslation(input, text!, asker, signal));

  const tries: Tried[] = [];
  const ways = [
    () => once(input.text, false),
    ...(demands.length ? [async () => judged(input.text, await askFor(substituted(input.text, demands), false))] : []),
    () => once(input.text, true),
    () => bySentence(input, text => once(text, true)).then(text => judged(input.text, text)),
  ];
  const waysForNumbers = [
    () => numbered(input.text),
    () => bySentence(input, numbered).then(text => judged(input.text, text)),
  ];
  const bearable: { text: string; fault: Fault | null }[] = [];
  for (const way of [...ways, ...waysForNumbers]) {
    if (waysForNumbers.includes(way) && !tries.some(each => each.fault === 'numbers')) break;
    const { text, fault } = await way();
    if (tries.some(one => one.text === text)) continue;
    if (text === null || !BEARABLE.includes(fault)) tries.push({ text, fault });
    else if (fault !== null) {
      bearable.push({ text, fault });
      tries.push({ text, fault });
    } else if (await stands({ text, fault })) return { text, language: input.to };
    else tries.push({ text, fault: 'steered' });
  }
  const [best] = bearable.sort((a, b) => BEARABLE.indexOf(a.fault) - BEARABLE.indexOf(b.fault));
  if (best && (await stands(best))) return { text: best.text, language: input.to };
  if (![...answers.values()].some(answer => answer.trimStart().startsWith('{')))
    throw new EarshotError('badAnswer', {}, tries.map(one => `${one.fault}: ${one.text ?? ''}`).join('\n'));
  const refused = best ? 'steered' : (tries.find(one => one.fault === 'steered') ?? tries[0])!.fault!;
  return { text: input.text.trim(), language: input.from, refused };
}

/** Whether an answer has to be looked at more closely: the speaker may have talked to the model, and been heard. */
function looksSteered(source: string, target: string): boolean {
  const asks = (text: string): boolean => /[?？؟;]/u.test(text),
    ratio = spokenLength(target) / Math.max(1, spokenLength(source));
  return (
    mayBeSpokenTo(source) ||
    (/[?？؟]/u.test(source) && !asks(target)) ||
    (spokenLength(source) >= 30 && (ratio < 0.6 || ratio > 1.8))
  );
}

/** By the model's own probabilities; where it gives none, by translating it back. */
async function isTranslation(
  { text, from, to }: StepInputs['nmt'],
  translation: string,
  asker: Asker,
  signal: AbortSignal,
): Promise<boolean> {
  if (asker.explained) {
    const pair = { text, language: languageName(from), translation, translatedTo: languageName(to) };
    return (await asker.explained(pair, signal)) >= LEAST_EXPLAINED;
  }
  const back = { text: translation, from: to, to: from, before: [], glossary: [] };
  const again = readAnswer(await asker.ask(question(back, translation, true), signal));
  return again !== null && support(text, again) >= LEAST_COMING_BACK;
}

async function bySentence(
  input: StepInputs['nmt'],
  once: (text: string) => Promise<{ text: string | null; fault: Fault | null }>,
): Promise<string | null> {
  const parts: string[] = [];
  for (const sentence of sentencesOf(input.text, input.from)) {
    if (!sentence.trim()) continue;
    const { text, fault } = await once(sentence.trim());
    if (text === null || !BEARABLE.includes(fault)) return null;
    parts.push(text);
  }
  return parts.join(/^(zh|ja|th)\b/u.test(input.to) ? '' : ' ');
}

/** Whether words belong to these languages, as far as there are dictionaries. */
export async function knowledgeOf(dictionaries: Dictionaries, languages: readonly string[]): Promise<Knows> {
  const opened = new Map(
    await Promise.all(
      [...new Set(languages.map(code => code.split('-')[0]!))].map(
        async code => [code, await dictionaries.of(code)] as const,
      ),
    ),
  );
  return (language, word) => {
    const dictionary = opened.get(language.split('-')[0]!);
    return dictionary ? dictionary.knows(word) || dictionary.knows(word.toLowerCase()) : null;
  };
}
