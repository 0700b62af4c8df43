/**
 * Whether a file of a watched folder is taken. Pure: what is known about the file in, a verdict out. What is expensive
 * to know (who has it open, its content) is asked for only when all that is cheap speaks for the file; the caller finds
 * out and asks again.
 */
import { posix } from 'node:path';
import { decision, type WatchDecision, type WatchSpec } from '../../schemas/watch.ts';
import { isMedia, maybeMedia } from '../../schemas/media.ts';
import type { FileRow, TakenRow } from '../contracts/watch-store.ts';

export type Place = Pick<WatchSpec, 'include' | 'exclude' | 'subfolders'> & {
  /**
   * Paths within the folder that belong to somebody else: another watched folder, ours for outputs, ours for originals.
   * Without a / at the end.
   */
  others: readonly { path: string; code: 'otherFolder' | 'outputsFolder' | 'originalsFolder' }[];
};

export interface Facts {
  /** Within the folder, with /. */
  path: string;
  kind: 'file' | 'link' | 'other' | 'none';
  bytes: number;
  /** False: other files are called so as well, and by its first bytes it is one of them. */
  isRecording?: boolean;
  /** Equal to that of a file on record: nothing of it needs to be read. */
  sameAs: FileRow | null;
  /** We wrote it. */
  ours: boolean;
  /** Size, time and identity have been seen to be the same for so long. */
  unchangedMs: number;
  settleMs: number;
  /** Places in the queue for jobs of watched folders. */
  room: number;
  open?: boolean;
  content?: string;
  /** With content: what this folder took with the same content, and whether that file is still at its place. */
  taken?: (TakenRow & { there: boolean }) | null;
}

export type Verdict =
  /** Nothing to do until it changes. `keep`: worth a record. */
  | { is: 'settled'; decision: WatchDecision; keep: boolean }
  | { is: 'wait'; decision: WatchDecision; ms: number }
  | { is: 'ask'; what: 'open' | 'content' }
  /** The file that was taken lies here now. */
  | { is: 'moved'; from: TakenRow }
  | { is: 'take' };

const settled = (decision: WatchDecision, keep = false): Verdict => ({ is: 'settled', decision, keep });

/** Names under which browsers, copiers and editors write what is not whole yet. */
const TEMPORARY =
  /(^~|~$|^#.*#$|\.(part|partial|crdownload|download|opdownload|tmp|temp|filepart|!ut|!qb|aria2|swp|wip|crswap|writing|earshot-part)$|\.(part|tmp|temp)\.[^.]+$)/i;

const fits = (path: string, pattern: string): boolean =>
  posix.matchesGlob(path, pattern) || (!pattern.includes('/') && posix.matchesGlob(posix.basename(path), pattern));

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** By name and place alone; null: nothing there speaks against it. */
export function byName(path: string, place: Place): WatchDecision | null {
  const parts = path.split('/'),
    name = parts.at(-1)!;
  const other = place.others.find(each => within(path, each.path));
  if (other) return decision(other.code, { folder: other.path });
  if (parts.some(part => part.startsWith('.'))) return decision('hidden');
  if (place.subfolders === false && parts.length > 1) return decision('subfolder');
  if (parts.some(part => TEMPORARY.test(part))) return decision('temporary');
  if (!isMedia(name) && !maybeMedia(name)) return decision('notMedia');
  const excluded = place.exclude?.find(pattern => fits(path, pattern));
  if (excluded !== undefined) return decision('excluded', { pattern: excluded });
  if (place.include?.length && !place.include.some(pattern => fits(path, pattern)))
    return decision('notIncluded', { patterns: place.include.join(', ') });
  return null;
}

/** Whether files in this folder within the watched one can be taken at all. */
export function looksInto(path: string, place: Place): boolean {
  return (
    path === '' ||
    (place.subfolders !== false &&
      !place.others.some(each => within(path, each.path)) &&
      !path.split('/').some(part => part.startsWith('.')))
  );
}

export function decide(facts: Facts, place: Place): Verdict {
  const { kind, sameAs, taken } = facts;
  if (kind === 'none') return settled(decision('gone'));
  const name = byName(facts.path, place);
  if (name) return { is: 'settled', decision: name, keep: false };
  if (kind === 'link') return settled(decision('link'));
  if (kind === 'other') return settled(decision('notAFile'));
  if (facts.ours) return settled(decision('output'));
  if (facts.isRecording === false && facts.bytes > 0) return settled(decision('otherContent'));
  // What was refused is looked at again when it is seen anew: after a start, or with a new recipe.
  if (sameAs && sameAs.decision.code !== 'refused') return { is: 'settled', decision: sameAs.decision, keep: false };
  if (facts.unchangedMs < facts.settleMs)
    return { is: 'wait', decision: decision('writing'), ms: facts.settleMs - facts.unchangedMs };
  if (facts.bytes === 0) return settled(decision('empty'));
  if (facts.open) return { is: 'wait', decision: decision('open'), ms: facts.settleMs };
  if (facts.content === undefined) {
    if (facts.room <= 0) return { is: 'wait', decision: decision('waiting'), ms: Infinity };
    return { is: 'ask', what: facts.open === undefined ? 'open' : 'content' };
  }
  if (!taken) return { is: 'take' };
  if (!taken.there) return { is: 'moved', from: taken };
  return settled(decision('duplicate', { of: taken.path }), true);
}

/**
 * How many more jobs of watched folders may go into the queue: none until a good part of it has begun, so that files go
 * in by the batch.
 */
export function roomFor(ahead: number, unstarted: number): number {
  const room = ahead - unstarted;
  return room >= Math.max(1, Math.floor(ahead / 4)) ? room : 0;
}
