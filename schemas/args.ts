/**
 * Codes with arguments: how the daemon says why something failed, waits or was left alone. The sentences are made from
 * them by whoever shows them (text/messages). Each list of codes is one map from a code to the arguments of its
 * sentence, so that sender and sentence cannot differ.
 */
import type { Args } from './failure.ts';

export type { Args } from './failure.ts';

/** An argument's type; with a ? it may be missing. `status`: how a process ended, its exit code or a signal's name. */
export type ArgKind = 'text' | 'number' | 'status' | 'text?' | 'number?' | 'status?';
export type ArgKinds = Readonly<Record<string, ArgKind>>;

interface Kinds {
  text: string;
  number: number;
  status: string | number;
}
type ValueOf<K extends ArgKind> = K extends `${infer Name extends keyof Kinds}?` ? Kinds[Name] : Kinds[K & keyof Kinds];

/** The arguments that fit their kinds, as a type. */
export type ArgsOf<K extends ArgKinds> = {
  [N in keyof K as K[N] extends `${string}?` ? never : N]: ValueOf<K[N]>;
} & { [N in keyof K as K[N] extends `${string}?` ? N : never]?: ValueOf<K[N]> };

/** For one of several codes: arguments that suit each of them. */
export type ArgsForAll<M extends Record<string, unknown>, C extends keyof M> = (
  C extends unknown ? (args: M[C]) => void : never
) extends (args: infer A) => void
  ? A
  : never;

/** Whether nothing is missing and nothing is of another type. */
export function fitsKinds<K extends ArgKinds>(args: Args, kinds: K): args is Args & ArgsOf<K> {
  return Object.entries(kinds).every(([name, kind]) => {
    const value = args[name];
    if (value === undefined) return kind.endsWith('?');
    if (kind.startsWith('status')) return typeof value === 'string' || typeof value === 'number';
    return kind.startsWith('text') ? typeof value === 'string' : typeof value === 'number' && Number.isFinite(value);
  });
}

/** Without those that are undefined, which JSON would leave out as well. */
export const known = (args: object): Args =>
  Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined)) as Args;
