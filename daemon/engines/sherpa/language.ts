/**
 * The language of a text by its commonest small words, for recognizers that do not say which one they heard. Among the
 * languages that the recognizer knows; nothing is said of the others.
 */

/** Words that other languages of this list do not share, as far as that goes. */
const SMALL_WORDS: Readonly<Record<string, string>> = {
  bg: 'и в на се че за от това са не по със като който ще беше ми си го',
  cs: 'a je se v na že to s z do jsem byl jako ale pro jsme když které jeho není',
  da: 'og det er at på jeg ikke til af en der den som med har vi men var også hvad',
  de: 'der die und das ist nicht ich es ein zu sie mit auf für wir von dass eine auch wie',
  el: 'και το να της του η που με για δεν την είναι τα στο τον από θα μου',
  en: 'the and of to is that it was you for with this are have not be they as his from',
  es: 'que de la el los es una por no con las del para se su lo como pero más está',
  et: 'ja on ei see et ta oli kui ka oma mis ma siis aga ning nii mida selle veel',
  fi: 'ja on ei se että oli hän mutta kun minä myös ovat niin joka sen mitä olen ole',
  fr: 'le la les et des est une que dans qui pour pas vous il ce je nous sur avec plus',
  hr: 'i je se u na da su za što ne kako bio od sam ali koji biti nije samo kao',
  hu: 'a az és hogy nem egy is van volt meg de ez csak már mint el ha még azt',
  it: 'di che il la è non per un sono una con gli si del le ma come anche della più',
  lt: 'ir yra kad į tai iš su ne bet kaip jis buvo man ji mes nuo apie jau dar tik',
  lv: 'un ir ka no par uz ar tas es nav bet kas to viņš bija mēs kā jau ko pie',
  mt: 'il u li ta fil ma hu kien biex dan din minn hi kif għal mill kienet meta tal lil',
  nl: 'de het een en van is ik niet dat te zijn op met voor hij er maar we ook wat',
  pl: 'i w nie się na to jest że z do jak co ale tak po za od czy już był',
  pt: 'que de o a não do da em um uma os para é com as se por mais dos foi você',
  ro: 'și de în la o cu nu pe că din un este pentru mai care sunt fost dar ce lui',
  ru: 'и в не на я что он с как это по но она из за то был мы его все',
  sk: 'a je sa v na že to s z do som bol ako ale pre sme keď ktoré jeho nie',
  sl: 'in je se v na da so za ki ne kot bil od sem ali biti ni tudi pa kako',
  sv: 'och det är att på jag inte till av en som med har för vi den men var också vad',
  uk: 'і в не на я що він з як це та але вона із за то був ми його всі у',
};
const WORDS = Object.entries(SMALL_WORDS).map(([language, words]) => [language, new Set(words.split(' '))] as const);
/** So many small words more than of any other language make it certain; so many in all must be there. */
const LEAD = 2,
  LEAST = 2;

export interface Guess {
  language: string;
  /** Between 0 and 1: what two words' lead leaves open, four settle. */
  probability: number;
}

/** Null: the text leaves it open. `known`: bases of BCP 47 tags. */
export function languageOf(text: string, known: readonly string[]): Guess | null {
  const words = text.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? [],
    counts = WORDS.filter(([language]) => known.includes(language))
      .map(([language, small]) => ({ language, count: words.filter(word => small.has(word)).length }))
      .sort((a, b) => b.count - a.count);
  const [first, second] = counts;
  if (!first || first.count < LEAST || first.count - (second?.count ?? 0) < LEAD) return null;
  return { language: first.language, probability: Math.min(0.99, 0.7 + 0.1 * (first.count - (second?.count ?? 0))) };
}
