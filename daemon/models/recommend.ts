/** Which recognizer suits a machine: for the first-run sheet and for `earshot models recommend`. Pure. */
import type { ModelCard, Recommendation } from '../../schemas/model.ts';
import { servesLanguage } from './defaults.ts';

/** What a recognizer would be on this machine. */
export interface Candidate {
  card: ModelCard;
  installed: boolean;
  /** Bytes that are not there yet: of its files, and roughly of its engine and tools. */
  downloadBytes: number;
  engineBytes: number;
  /** Of the device that it would run on. */
  needBytes: number;
  capBytes: number;
  /** Work for one second of speech, ms. */
  msPerSecond: number;
  measured: boolean;
}

export interface Wishes {
  /** Languages that are spoken, BCP 47; none: any may be. */
  languages: readonly string[];
  freeBytes: number;
}

/** Whoever uses a default must be free to use it at work too. */
const FREE_TO_USE = /^(MIT|Apache-2\.0|BSD|CC0-1\.0|CC-BY-4\.0)/;
/** Without a language named, a recognizer that knows fewer would be a trap. */
const MANY_LANGUAGES = 20;
/** Quick: an hour in twenty minutes; bearable for the best: an hour in two. */
const QUICK_MS = 333,
  BEARABLE_MS = 2000;
/** Of a machine's memory, what the recommended one may take: people have other programs. */
const MODEST_SHARE = 0.5;
/** More errors than this, words in a hundred, are no saving. */
const MOST_ERRORS = 15;

/** Up to three, the smallest download first; none where nothing runs here. */
export function recommend(candidates: readonly Candidate[], { languages, freeBytes }: Wishes): Recommendation[] {
  const able = candidates.filter(
    each =>
      each.card.figures !== undefined &&
      each.card.stages.includes('asr') &&
      FREE_TO_USE.test(each.card.licence) &&
      serves(each.card, languages) &&
      each.needBytes <= each.capBytes &&
      allBytes(each) <= freeBytes &&
      each.msPerSecond <= BEARABLE_MS,
  );
  const quick = able.filter(each => each.msPerSecond <= QUICK_MS),
    modest = quick.filter(each => each.needBytes <= each.capBytes * MODEST_SHARE);
  const recommended = mostAccurate(firstOf(modest, quick, able)),
    best = mostAccurate(able),
    small = smallest(
      firstOf(
        quick.filter(each => errorsOf(each) <= MOST_ERRORS),
        quick,
        able,
      ),
    );
  const tiers = [
    { tier: 'small' as const, pick: small },
    { tier: 'recommended' as const, pick: recommended },
    { tier: 'best' as const, pick: best },
  ];
  return tiers.flatMap(({ tier, pick }) =>
    pick && (tier === 'recommended' || pick !== recommended) ? [present(tier, pick)] : [],
  );
}

const serves = (card: ModelCard, languages: readonly string[]): boolean =>
  languages.length > 0
    ? languages.every(language => servesLanguage(card, language))
    : card.languages.length === 0 || card.languages.length >= MANY_LANGUAGES;

const errorsOf = ({ card }: Candidate): number => card.figures!.wordErrors;
const allBytes = ({ downloadBytes, engineBytes }: Candidate): number => downloadBytes + engineBytes;
const firstOf = <T>(...lists: (readonly T[])[]): readonly T[] => lists.find(list => list.length > 0) ?? [];
const least = (list: readonly Candidate[], by: (each: Candidate) => number): Candidate | undefined =>
  list.reduce<Candidate | undefined>((best, each) => (best && by(best) <= by(each) ? best : each), undefined);
/** Of equals the one with less to fetch. */
const mostAccurate = (list: readonly Candidate[]): Candidate | undefined =>
  least(list, each => errorsOf(each) + allBytes(each) * 1e-15);
const smallest = (list: readonly Candidate[]): Candidate | undefined => least(list, allBytes);

const present = (tier: Recommendation['tier'], pick: Candidate): Recommendation => ({
  tier,
  model: pick.card.id,
  name: pick.card.name,
  licence: pick.card.licence,
  languages: pick.card.languages,
  installed: pick.installed,
  downloadBytes: pick.downloadBytes,
  engineBytes: pick.engineBytes,
  wordErrors: pick.card.figures!.wordErrors,
  errorsFrom: pick.card.figures!.errorsFrom,
  speed: 1000 / pick.msPerSecond,
  measured: pick.measured,
});
