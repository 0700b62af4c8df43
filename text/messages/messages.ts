/**
 * Codes and their arguments as sentences. The daemon never makes words; windows and the command line do, here.
 * A language that lacks a code does not compile.
 */
import type { Args, Catalogue, Names, Said } from './catalogue.ts';
import { en } from './en.ts';
import type { Locale } from './figures.ts';
import { zhCn } from './zh-cn.ts';
import type { Failure } from '../../schemas/errors.ts';
import type { Reason } from '../../schemas/job.ts';
import type { DoctorReport, Stats } from '../../schemas/rpc.ts';
import type { WatchDecision } from '../../schemas/watch.ts';

const CATALOGUES: Record<Locale, Catalogue> = { en, 'zh-cn': zhCn };

/** The words of a language: names of states, stages, priorities. */
export const words = (locale: Locale): Catalogue => CATALOGUES[locale];

/** Arguments as the sentences may use them: a missing one reads as a plain word, never as "undefined". */
function reader(args: Record<string, string | number>, locale: Locale, names: Names): Args {
  const number = (name: string): number => Number(args[name] ?? Number.NaN);
  return {
    has: name => args[name] !== undefined && args[name] !== '' && !Number.isNaN(args[name]),
    text: (name, otherwise = '?') => (args[name] === undefined || args[name] === '' ? otherwise : String(args[name])),
    after: name => (args[name] === undefined || args[name] === '' ? '' : ` ${args[name]}`),
    number,
    device: (name, otherwise = '?') =>
      args[name] === undefined || args[name] === ''
        ? otherwise
        : (names.device?.(String(args[name])) ?? deviceName(String(args[name]), locale)),
    job: name => names.job?.(String(args[name])) ?? String(args[name] ?? '?'),
    now: names.now ?? Date.now(),
  };
}

const deviceName = (id: string, locale: Locale): string =>
  id === 'cpu' ? (locale === 'zh-cn' ? '处理器' : 'the CPU') : id;

/**
 * What happened, and what to do about it ('' where there is nothing to do). The arguments' text is not neutralised for
 * any screen.
 */
export function say(failure: Failure, locale: Locale, names: Names = {}): Said {
  return CATALOGUES[locale].errors[failure.code](reader(failure.args, locale, names));
}

/** Both in one line. */
export function sentence(failure: Failure, locale: Locale, names: Names = {}): string {
  const { what, todo } = say(failure, locale, names);
  return todo ? `${what}${locale === 'zh-cn' ? '' : ' '}${todo}` : what;
}

/** Why a job waits, in one sentence. */
export function explain(reason: Reason, locale: Locale, names: Names = {}): string {
  return CATALOGUES[locale].reasons[reason.code](reader(reason.args, locale, names));
}

/** What was decided about a file of a watched folder, in words; with what stood in the way where there is something. */
export function decided({ code, args, failure }: WatchDecision, locale: Locale): string {
  const text = CATALOGUES[locale].decisions[code](reader(args, locale, {}));
  return failure ? `${text}${locale === 'zh-cn' ? '：' : ': '}${say(failure, locale).what}` : text;
}

/** What holds the queue up, in one sentence; a code unknown here shows itself. */
export function holdUp({ code, args }: NonNullable<Stats['bottleneck']>, locale: Locale): string {
  const known: Catalogue['bottlenecks'] = CATALOGUES[locale].bottlenecks;
  return Object.hasOwn(known, code) ? known[code as keyof Catalogue['bottlenecks']](reader(args, locale, {})) : code;
}

/** One check of the doctor: its name, what was found, what to do. A check unknown here shows its id and arguments. */
export function checkText(check: DoctorReport['checks'][number], locale: Locale): Said & { name: string } {
  const checks: Catalogue['checks'] = CATALOGUES[locale].checks;
  const known = Object.hasOwn(checks, check.id) ? checks[check.id as keyof Catalogue['checks']] : null;
  if (!known)
    return {
      name: check.id,
      what: Object.entries(check.args)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
      todo: '',
    };
  return { name: known.name, ...known[check.status](reader(check.args, locale, {})) };
}
