/**
 * The one owner of the files that we write for people. It keeps what it wrote, by content, and for which job; what
 * somebody changed since, or made themselves, is never overwritten: the new text goes beside it, and the job says so.
 *
 * A file may be written again by its own job, and by a job over the same recording that was submitted after its own had
 * ended: that is a second run. Jobs that were in the queue together keep a file each.
 */
import { lstat, type FileHandle } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { failure, type Failure } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { isFinal } from '../../schemas/words.ts';
import type { JobRow, Store, WrittenFile } from '../contracts/store.ts';
import { modeLike } from '../../client/file-mode.ts';
import { InUse, makeFolder, moveOwn } from '../../client/files.ts';
import type { Bases } from './bases.ts';
import { contentOf, discard, draftIn, numbered, publish, putBack, replace, type Draft } from './draft.ts';

export type Output = Job['outputs'][number];
/** Whose file it is. */
export type Owner = Pick<JobRow, 'id' | 'path' | 'createdAt'>;
export type Make = (file: FileHandle, path: string) => Promise<void>;

export interface Placed {
  path: string;
  bytes: number;
  /** Files that it would have replaced, had nobody changed them, or had them open. */
  kept: Kept[];
}

export interface Kept {
  path: string;
  /** Another program has it open, and Windows lets nobody replace it. */
  inUse?: 1;
}

/** Where a file goes: its first name, then others. */
export type Names = (n: number) => string;

/** Beside the recording, called after it: "talk.srt", "talk.wav.srt", "talk.wav (2).srt" … */
export const namesAfter =
  (directory: string, name: string, suffix: string): Names =>
  n =>
    join(directory, fitting(n === 0 ? parse(name).name : name, `${n > 1 ? ` (${n})` : ''}${suffix}`));

/** A name that somebody chose: "a.wav", "a (2).wav" … */
export const namesFrom =
  (path: string): Names =>
  n =>
    numbered(path, n + 1);

export const keptWarning = (kept: Kept, instead?: string): Failure =>
  failure('outputKept', { ...kept, ...(instead === undefined ? {} : { instead }) });

/** A job's warnings with fresh ones: of one kind about one file the newest is enough. */
export const withWarnings = (known: readonly Failure[], fresh: readonly Failure[]): Failure[] => [
  ...known.filter(old => !fresh.some(each => each.code === old.code && each.args.path === old.args.path)),
  ...fresh,
];

/** What lies where a file is to go. */
type Standing =
  | { is: 'free' }
  /** What would be written, already. */
  | { is: 'same' }
  /** What this job may replace: it holds what we wrote. */
  | { is: 'old'; checksum: string }
  /** What it could replace, had nobody changed it. */
  | { is: 'edited' }
  | { is: 'others' };

export class Outputs {
  private readonly store: Store;
  /** Names are looked at and taken one after the other. */
  private turn: Promise<unknown> = Promise.resolve();

  private readonly move: typeof moveOwn;
  /** What files said as we wrote them. Null: nobody merges. */
  readonly bases: Bases | null;

  /** @param move stands in for the disk in tests */
  constructor(store: Store, move: typeof moveOwn = moveOwn, bases: Bases | null = null) {
    this.bases = bases;
    this.store = store;
    this.move = move;
  }

  /**
   * Writes a file for a job under the first of the names that it may have.
   * @throws what `make` throws, outputNotWritable, file system errors
   */
  async write(owner: Owner, names: Names, make: Make, mode?: number): Promise<Placed> {
    const folder = dirname(names(0)),
      kept: Kept[] = [];
    await makeFolder(folder, 0o777);
    const draft = await draftIn(folder, owner.id, make, mode ?? (await modeLike(owner.path, folder))),
      { bytes } = draft;
    return this.inTurn(draft, async () => {
      for (let n = 0; ;) {
        const path = names(n);
        try {
          await putBack(path);
          const there = await this.standing(path, owner, draft);
          if (there.is === 'same') return { path, bytes, kept };
          if (there.is === 'edited') kept.push({ path });
          if (there.is === 'edited' || there.is === 'others') n++;
          else if (await this.put(draft, path, there.is === 'old' ? there.checksum : null, this.recordOf(owner, draft)))
            return { path, bytes, kept };
        } catch (error) {
          if (!(error instanceof InUse && error.path === path)) throw error;
          kept.push({ path, inUse: 1 });
          n++;
        }
      }
    });
  }

  /**
   * Writes a file of the job anew where nobody has changed it: it holds what we wrote last, or `isOld` knows it. Its
   * length in bytes; null: it was changed, or is another job's by now, and stays.
   */
  async rewrite(
    owner: Owner,
    path: string,
    text: string | Uint8Array,
    isOld: () => Promise<boolean>,
  ): Promise<number | null> {
    await putBack(path);
    const checksum = await contentOf(path),
      known = this.store.written(path);
    if (checksum === null || (known?.job != null && known.job !== owner.id)) return null;
    if (known?.checksum !== checksum && !(await isOld())) return null;
    return this.swap(path, checksum, text, owner);
  }

  /**
   * Puts a text in the place of a file that held `checksum` when it was read. Its length in bytes; null: it holds
   * something else by now. Without an owner it does not become ours.
   */
  async swap(
    path: string,
    checksum: string,
    text: string | Uint8Array,
    owner: Owner | null,
    key = owner?.id,
  ): Promise<number | null> {
    const draft = await draftIn(dirname(path), key ?? 'swap', file => file.writeFile(text), await modeLike(path));
    return this.inTurn(draft, async () => {
      const known = this.store.written(path);
      const record =
        known?.checksum === checksum
          ? { ...known, checksum: draft.checksum }
          : owner
            ? this.recordOf(owner, draft)
            : known;
      if (draft.checksum !== checksum) return (await this.put(draft, path, checksum, record)) ? draft.bytes : null;
      this.store.willWrite(path, record);
      return draft.bytes;
    });
  }

  private inTurn<T>(draft: Draft, work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work).finally(() => discard(draft.path));
    this.turn = done.catch(() => {});
    return done;
  }

  private recordOf(owner: Owner, { checksum }: Draft): WrittenFile {
    return { recording: owner.path, job: owner.id, checksum };
  }

  private async standing(path: string, owner: Owner, draft: Draft): Promise<Standing> {
    if (!(await lstat(path).catch(() => null))) return { is: 'free' };
    const known = this.store.written(path),
      checksum = known?.recording === owner.path ? await contentOf(path) : null;
    if (!known || checksum === null) return { is: 'others' };
    const replaceable = known.job === owner.id || this.isOver(known.job, owner);
    if (checksum === draft.checksum) {
      // After a crash, or the same all over again.
      if (replaceable) this.store.willWrite(path, this.recordOf(owner, draft));
      return { is: 'same' };
    }
    if (!replaceable) return { is: 'others' };
    return checksum === known.checksum ? { is: 'old', checksum } : { is: 'edited' };
  }

  /** Whether the job that wrote a file had ended when the other was submitted. */
  private isOver(job: string | null, { createdAt }: Owner): boolean {
    const row = job === null ? null : this.store.job(job);
    return !row || (isFinal(row.state) && (row.finishedAt ?? 0) <= createdAt);
  }

  /** It is ours before it is there: who watches the folder must not take it for a recording. */
  private async put(draft: Draft, path: string, old: string | null, record: WrittenFile | null): Promise<boolean> {
    if (old !== null) return replace(draft, path, old, () => this.store.willWrite(path, record), this.move);
    const before = this.store.written(path);
    this.store.willWrite(path, record);
    const done = await publish(draft, path);
    if (!done) this.store.willWrite(path, before);
    return done;
  }
}

/** File systems take names of 255 bytes. */
const LONGEST_NAME_BYTES = 250;

/** The name with its suffix, its own end left out as far as it must be; never half a character. */
function fitting(name: string, suffix: string): string {
  const room = LONGEST_NAME_BYTES - Buffer.byteLength(suffix);
  if (Buffer.byteLength(name) <= room) return name + suffix;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(name)) {
    if (Buffer.byteLength(kept + segment) > room) break;
    kept += segment;
  }
  return kept + suffix;
}
