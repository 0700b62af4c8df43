/** Whether a translation still says no where the text does. Pure. */

/** Words that deny, by language; a word's beginning where it has endings. */
const DENIALS: Readonly<Record<string, RegExp>> = {
  en: /^(?:not|never|no|nobody|nothing|none|nor|neither|nowhere|without|cannot|hardly|barely|\p{L}+n['’]t)$/u,
  es: /^(?:no|nunca|nadie|nada|ni|ning[uú]n\p{L}*|jamás|sin|tampoco)$/u,
  fr: /^(?:ne|n|pas|jamais|rien|personne|aucune?s?|ni|sans|non|nulle?)$/u,
  de: /^(?:nicht|nichts|nie|niemals|niemand\p{L}*|kein\p{L}*|ohne|weder|nein|nirgend\p{L}*)$/u,
  it: /^(?:non|no|mai|nessun\p{L}*|niente|nulla|né|neanche|nemmeno|senza)$/u,
  pt: /^(?:não|nunca|ninguém|nada|nem|nenhum\p{L}*|jamais|sem)$/u,
  ru: /^(?:не|нет|ни|никогда|никто|никого|никому|ничего|ничто|без|нельзя|нигде|никак\p{L}*)$/u,
};
/** "Impossible" for "not possible": what may deny by its beginning. Rather too many than too few. */
const PREFIXED = /^(?:im|in|ir|il|un|dis|des|dés|mis|anti|не|без|бес)\p{L}{3,}/u;
/** What these say is no denial, or need not be one: "not only … but", "why not", "ne … que". */
const NO_DENIAL: Readonly<Record<string, RegExp>> = {
  en: /\bnot only\b|\bwhy not\b|\bnot just\b|\bno (?:longer|matter|wonder|doubt)\b/iu,
  es: /\bno (?:solo|sólo|solamente|obstante)\b|\bno más\b/iu,
  fr: /\bnon seulement\b|\bqu(?:e\b|['’])/iu,
  de: /\bnicht nur\b|\bnicht wahr\b/iu,
  it: /\bnon solo\b|\bche\b/iu,
  pt: /\bnão só\b|\bnão apenas\b/iu,
  ru: /\bне только\b/iu,
};
/** Of English and its like, "no" alone is an answer, and "don't you?" a question: only plain denials count. */
const PLAIN: Readonly<Record<string, RegExp>> = {
  en: /(?:\p{L}n['’]t|\bnot|\bnever|\bcannot)\s+\p{L}/iu,
  es: /(?:^|[^\p{L}])(?:no|nunca|jamás)\s+\p{L}/iu,
  fr: /(?:^|[^\p{L}])(?:ne\s|n['’])\p{L}/iu,
  de: /\b(?:nicht|nie|niemals|kein\p{L}*)\b/iu,
  it: /\bnon\s+\p{L}/iu,
  pt: /(?:^|[^\p{L}])(?:não|nunca)\s+\p{L}/iu,
  ru: /(?:^|[^\p{L}])(?:не|никогда)\s+\p{L}/iu,
};

const languageOf = (code: string): string => code.split('-')[0]!;

/** False where the text plainly denies something and no word of the translation does. Unknown languages: true. */
export function keepsNegation(source: string, target: string, from: string, to: string): boolean {
  const plain = PLAIN[languageOf(from)],
    denials = DENIALS[languageOf(to)];
  if (!plain || !denials || languageOf(from) === languageOf(to)) return true;
  if (!plain.test(source) || source.includes('?') || NO_DENIAL[languageOf(from)]!.test(source)) return true;
  const words = target.toLowerCase().match(/\p{L}+(?:['’]\p{L}+)?/gu) ?? [];
  return words.some(
    word =>
      denials.test(word) ||
      PREFIXED.test(word) ||
      word.split(/['’]/u).some(part => part.length > 0 && denials.test(part)),
  );
}
