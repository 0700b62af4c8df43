/**
 * Translation of one utterance by a language model: ask, look at the answer, ask more plainly when something is wrong
 * with it.
 */
import { EarshotError } from '../../schemas/errors.ts';
import type { NmtOutput } from '../../schemas/job.ts';
import type { StepInputs } from '../contracts/worker-protocol.ts';
import type { Asker } from '../contracts/language-model.ts';
import { faultOf, type Fault, type Knows } from './guard.ts';
import type { Dictionaries } from '../repair/dictionaries.ts';
import { question, readAnswer } from './prompt.ts';
import { demandsOf, enforced, missing, substituted } from './terms.ts';

/** Faults that a reader would rather have than nothing. */
const BEARABLE: readonly (Fault | null)[] = [null, 'terms', 'numbers', 'short', 'language', 'echo'];

/**
 * Translates `input.text`. First with what was said before and the glossary, then with the glossary's translations in
 * their places already, then plainly, then sentence by sentence. Throws badAnswer when nothing usable comes.
 */
export async function translate(
  input: StepInputs['nmt'],
  asker: Asker,
  knows: Knows,
  signal: AbortSignal,
): Promise<NmtOutput> {
  if (!/[\p{L}\p{N}]/u.test(input.text)) return { text: input.text.trim(), language: input.to };
  const demands = demandsOf(input.text, input.glossary);
  const judged = (source: string, answer: string | null) => {
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
  const once = async (text: string, plain: boolean) =>
    judged(text, readAnswer(await asker.ask(question(input, text, plain), signal)));

  const tries: { text: string | null; fault: Fault | null }[] = [];
  const placed = async () =>
    judged(input.text, readAnswer(await asker.ask(question(input, substituted(input.text, demands), false), signal)));
  const ways = [
    () => once(input.text, false),
    ...(demands.length ? [placed] : []),
    () => once(input.text, true),
    () => bySentence(input, once).then(text => judged(input.text, text)),
  ];
  for (const way of ways) {
    const tried = await way();
    if (tried.fault === null && tried.text !== null) return { text: tried.text, language: input.to };
    tries.push(tried);
  }
  const best = tries
    .filter(one => one.text && BEARABLE.includes(one.fault))
    .sort((a, b) => BEARABLE.indexOf(a.fault) - BEARABLE.indexOf(b.fault))[0];
  if (best?.text) return { text: best.text, language: input.to };
  throw new EarshotError('badAnswer', {}, tries.map(one => `${one.fault}: ${one.text ?? ''}`).join('\n'));
}

async function bySentence(
  input: StepInputs['nmt'],
  once: (text: string, plain: boolean) => Promise<{ text: string | null; fault: Fault | null }>,
): Promise<string | null> {
  const parts: string[] = [];
  for (const sentence of sentencesOf(input.text, input.from)) {
    const { text, fault } = await once(sentence, true);
    if (text === null || !BEARABLE.includes(fault)) return null;
    parts.push(text);
  }
  return parts.join(/^(zh|ja|th)\b/u.test(input.to) ? '' : ' ');
}

export const sentencesOf = (text: string, language: string): string[] =>
  [...new Intl.Segmenter(language, { granularity: 'sentence' }).segment(text)]
    .map(({ segment }) => segment.trim())
    .filter(Boolean);

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
