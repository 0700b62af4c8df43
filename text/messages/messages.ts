/**
 * Codes and their arguments as sentences. The daemon sends no sentences; windows and the command line make them here.
 * A code or arguments of another version are shown as they are.
 */
import { fitsKinds, type ArgKinds, type Args } from '../../schemas/args.ts';
import { ERRORS, type Failure } from '../../schemas/errors.ts';
import { BOTTLENECKS, CHECKS, REASONS, type Bottleneck, type Check, type Reason } from '../../schemas/reasons.ts';
import { DECISIONS, type WatchDecision } from '../../schemas/watch.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Catalogue, Message, Names, Shown, TermTexts } from './catalogue.ts';
import { en } from './en/en.ts';
import type { Locale } from './figures.ts';
import { zhCn } from './zh-cn/zh-cn.ts';

const CATALOGUES: Record<Locale, Catalogue> = { en, 'zh-cn': zhCn };

/** The catalogue of a language: names of states, stages, priorities. */
export const words = (locale: Locale): Catalogue => CATALOGUES[locale];

/** The entry of a list, or what stands for it where another version has more of them. */
export const entryOf = <T>(list: Readonly<Record<string, T>>, id: string, other: T): T =>
  Object.hasOwn(list, id) ? list[id]! : other;
type Lists = Omit<TermTexts, 'stages'>;
/** The name of a state or a priority; one of another version is shown as it is. */
export const termText = <L extends keyof Lists>(list: L, id: keyof Lists[L] & string, locale: Locale): string =>
  entryOf<string>(CATALOGUES[locale][list], id, id);
/** The name of a stage; one of another version is shown as it is. */
export const stageText = (stage: Stage, locale: Locale): string =>
  entryOf(CATALOGUES[locale].stages, stage, { name: stage as string, doing: stage as string }).name;

type Say<T> = (args: Args, shown: Shown) => T;

/** What says this code, if the arguments are all that it needs. */
function find<T>(texts: object, kinds: Readonly<Record<string, ArgKinds>>, code: string, args: Args): Say<T> | null {
  return Object.hasOwn(kinds, code) && fitsKinds(args, kinds[code]!)
    ? ((texts as Record<string, Say<T>>)[code] ?? null)
    : null;
}

const shownBy = ({ device, job, now }: Names, locale: Locale): Shown => ({
  device: id => device?.(id) ?? (id !== 'cpu' ? id : locale === 'zh-cn' ? '处理器' : 'the CPU'),
  job: id => job?.(id) ?? id,
  now: now ?? Date.now(),
});

/** "model base, bytes 3": arguments as they are. */
const plain = (args: Args): string =>
  Object.entries(args)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/**
 * What happened, and what to do about it ('' where there is nothing to do). The arguments' text is not neutralized for
 * any screen.
 */
export function failureMessage({ code, args }: Failure, locale: Locale, names: Names = {}): Message {
  const catalogue = CATALOGUES[locale];
  const say = find<Message>(catalogue.errors, ERRORS, code, args);
  return say ? say(args, shownBy(names, locale)) : catalogue.unknownError(code, plain(args));
}
/** Both in one line. */
export function sentence(failure: Failure, locale: Locale, names: Names = {}): string {
  const { what, todo } = failureMessage(failure, locale, names);
  return todo ? `${what}${locale === 'zh-cn' ? '' : ' '}${todo}` : what;
}

/** Why a job waits, in one sentence. */
export function reasonText({ code, args }: Reason, locale: Locale, names: Names = {}): string {
  const say = find<string>(CATALOGUES[locale].reasons, REASONS, code, args);
  return say ? say(args, shownBy(names, locale)) : CATALOGUES[locale].unknownReason(code, plain(args));
}

/** What was decided about a file of a watched folder, with what stood in the way where there is something. */
export function decisionText({ code, args, failure }: WatchDecision, locale: Locale): string {
  const say = find<string>(CATALOGUES[locale].decisions, DECISIONS, code, args);
  const text = say ? say(args, shownBy({}, locale)) : CATALOGUES[locale].unknownReason(code, plain(args));
  return failure ? `${text}${locale === 'zh-cn' ? '：' : ': '}${failureMessage(failure, locale).what}` : text;
}

/** What holds the queue up, in one sentence. */
export function bottleneckText({ code, args }: Bottleneck, locale: Locale): string {
  const say = find<string>(CATALOGUES[locale].bottlenecks, BOTTLENECKS, code, args);
  return say ? say(args, shownBy({}, locale)) : CATALOGUES[locale].unknownReason(code, plain(args));
}

/** One check of the doctor: its name, what was found, what to do. */
export function checkMessage({ id, status, args }: Check, locale: Locale): Message & { name: string } {
  const { checks } = CATALOGUES[locale];
  const kinds: Readonly<Record<string, Readonly<Record<string, ArgKinds>>>> = CHECKS;
  const known = Object.hasOwn(checks, id) ? checks[id as keyof typeof checks] : null,
    say = known && find<Message>(known, kinds[id]!, status, args);
  return { name: known?.name ?? id, ...(say ? say(args, shownBy({}, locale)) : { what: plain(args), todo: '' }) };
}
