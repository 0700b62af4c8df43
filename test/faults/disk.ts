/**
 * What a disk would hold if the power had gone at some moment: replays what shim.c has recorded. As strict as POSIX
 * allows: written bytes are safe once a sync of their file that began after them has ended, and a name once a sync of
 * its folder has. Whatever is not safe may be lost or kept.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const OPEN = 1,
  WRITE = 2,
  TRUNCATE = 3,
  SYNC_BEGIN = 4,
  SYNC_END = 5,
  RENAME = 6,
  UNLINK = 7,
  MKDIR = 8,
  LINK = 9,
  PUBLISHED = 10,
  CLOSE = 11;
const CREATED = 1,
  TRUNCATED = 2,
  FOLDER = 4;
const HEADER_BYTES = 24;

export interface Entry {
  op: number;
  pid: number;
  fd: number;
  number: number;
  data: Buffer;
}

/** A record cut off at the end, by a kill, is left out. */
export function readJournal(path: string): Entry[] {
  const bytes = readFileSync(path),
    entries: Entry[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    entries.push({
      op: bytes.readUInt32LE(at + 4),
      pid: bytes.readInt32LE(at + 8),
      fd: bytes.readInt32LE(at + 12),
      number: Number(bytes.readBigInt64LE(at + 16)),
      data: bytes.subarray(at + HEADER_BYTES, at + length),
    });
    at += length;
  }
  return entries;
}

type Change = { at: number; bytes: Buffer } | { size: number };
class Content {
  safe = Buffer.alloc(0);
  /** Not synced yet, with the entry's number. */
  pending: { seq: number; change: Change }[] = [];

  sync(before: number): void {
    const settled = this.pending.filter(each => each.seq < before);
    this.pending = this.pending.filter(each => each.seq >= before);
    this.safe = settled.reduce((bytes, { change }) => applied(bytes, change), this.safe);
  }
  /** `keeps`: whether a write that was not synced is there all the same. */
  after(keeps: () => boolean): Buffer {
    return this.pending.reduce(
      (bytes, { change }) => (keeps() ? applied(bytes, change) : bytes),
      Buffer.from(this.safe),
    );
  }
}

function applied(bytes: Buffer<ArrayBuffer>, change: Change): Buffer<ArrayBuffer> {
  if ('size' in change)
    return change.size <= bytes.length
      ? Buffer.from(bytes.subarray(0, change.size))
      : Buffer.concat([bytes, Buffer.alloc(change.size - bytes.length)]);
  const end = change.at + change.bytes.length,
    grown = end > bytes.length ? Buffer.concat([bytes, Buffer.alloc(end - bytes.length)]) : bytes;
  change.bytes.copy(grown, change.at);
  return grown;
}

type Name = 'folder' | Content;
/** null: the name goes. */
type Naming = { seq: number; changes: readonly (readonly [path: string, name: Name | null])[] };

export class Disk {
  private readonly names = new Map<string, Name>();
  private readonly safeNames = new Map<string, Name>();
  private naming: Naming[] = [];
  private readonly files = new Map<string, { content: Content | null; path: string }>();
  private readonly syncs = new Map<string, number>();
  private seq = 0;

  /** Begins with what lies in these folders now, all of it safe. */
  constructor(folders: readonly string[]) {
    const walk = (path: string): void => {
      this.put(path, 'folder', true);
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        const inside = join(path, entry.name);
        if (entry.isDirectory()) walk(inside);
        else if (entry.isFile()) {
          const content = new Content();
          content.safe = readFileSync(inside);
          this.put(inside, content, true);
        }
      }
    };
    for (const folder of folders) if (statSync(folder, { throwIfNoEntry: false })) walk(folder);
  }

  private put(path: string, name: Name, safe: boolean): void {
    this.names.set(path, name);
    if (safe) this.safeNames.set(path, name);
  }

  apply({ op, pid, fd, number, data }: Entry): void {
    const seq = ++this.seq,
      key = `${pid} ${fd}`,
      text = (): string => data.toString('utf8'),
      pair = (): [string, string] => text().split('\0') as [string, string];
    switch (op) {
      case OPEN: {
        const path = text();
        let found = this.names.get(path);
        if (!found) {
          found = number & FOLDER ? 'folder' : new Content();
          this.names.set(path, found);
          if (number & CREATED) this.naming.push({ seq, changes: [[path, found]] });
        }
        const content = found === 'folder' ? null : found;
        if (content && number & TRUNCATED) content.pending.push({ seq, change: { size: 0 } });
        this.files.set(key, { content, path });
        return;
      }
      case WRITE:
        this.files.get(key)?.content?.pending.push({ seq, change: { at: number, bytes: data } });
        return;
      case TRUNCATE:
        this.files.get(key)?.content?.pending.push({ seq, change: { size: number } });
        return;
      case SYNC_BEGIN:
        this.syncs.set(`${pid} ${number}`, seq);
        return;
      case SYNC_END: {
        const file = this.files.get(key),
          before = this.syncs.get(`${pid} ${number}`);
        if (!file || before === undefined) return;
        if (file.content) file.content.sync(before);
        else this.settle(file.path, before);
        return;
      }
      case RENAME: {
        const [from, to] = pair(),
          moved = [...this.names].filter(([path]) => path === from || path.startsWith(`${from}/`));
        this.name(seq, [
          ...moved.map(([path]) => [path, null] as const),
          ...moved.map(([path, name]) => [to + path.slice(from.length), name] as const),
        ]);
        return;
      }
      case LINK: {
        const [from, to] = pair(),
          name = this.names.get(from);
        if (name) this.name(seq, [[to, name]]);
        return;
      }
      case UNLINK:
        this.name(seq, [[text(), null]]);
        return;
      case MKDIR:
        this.name(seq, [[text(), 'folder']]);
        return;
      case CLOSE:
        this.files.delete(key);
        return;
    }
  }

  private name(seq: number, changes: Naming['changes']): void {
    for (const [path, name] of changes)
      if (name === null) this.names.delete(path);
      else this.names.set(path, name);
    this.naming.push({ seq, changes });
  }

  /** What happened to names in this folder is safe. */
  private settle(folder: string, before: number): void {
    const here = (each: Naming): boolean =>
      each.seq < before && each.changes.some(([path]) => dirname(path) === folder);
    for (const { changes } of this.naming.filter(here))
      for (const [path, name] of changes)
        if (name === null) this.safeNames.delete(path);
        else this.safeNames.set(path, name);
    this.naming = this.naming.filter(each => !here(each));
  }

  /**
   * Puts what is left after the power went under another folder, in the place of `root`. `keeps` decides for everything
   * that is not safe; names come back in order up to some point, as journalling file systems have it.
   */
  write(root: string, to: string, keeps: () => boolean, wanted: (path: string) => boolean = () => true): void {
    const names = new Map(this.safeNames);
    for (const { changes } of this.naming) {
      if (!keeps()) break;
      for (const [path, name] of changes)
        if (name === null) names.delete(path);
        else names.set(path, name);
    }
    for (const [path, name] of names) {
      if (!wanted(path)) continue;
      // A file is only there when its folders are.
      const parents = path
        .slice(root.length)
        .split('/')
        .slice(1, -1)
        .map((_, i, parts) => `${root}/${parts.slice(0, i + 1).join('/')}`);
      if (parents.some(parent => parent !== root && !names.has(parent))) continue;
      const place = to + path.slice(root.length);
      if (name === 'folder') mkdirSync(place, { recursive: true });
      else {
        mkdirSync(dirname(place), { recursive: true });
        writeFileSync(place, name.after(keeps));
      }
    }
  }
}

/** The JSON-RPC messages that a daemon has sent to clients by each entry. */
export function* publishedBy(entries: readonly Entry[]): Generator<{ entry: number; message: unknown }> {
  const streams = new Map<string, Buffer>();
  for (const [entry, { op, pid, fd, data }] of entries.entries()) {
    const key = `${pid} ${fd}`;
    if (op === CLOSE) streams.delete(key);
    if (op !== PUBLISHED) continue;
    let bytes = Buffer.concat([streams.get(key) ?? Buffer.alloc(0), data]);
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n'),
        length = end < 0 ? NaN : Number(/content-length: (\d+)/i.exec(bytes.subarray(0, end).toString('latin1'))?.[1]);
      if (!(end + 4 + length <= bytes.length)) break;
      yield { entry, message: JSON.parse(bytes.subarray(end + 4, end + 4 + length).toString('utf8')) };
      bytes = bytes.subarray(end + 4 + length);
    }
    streams.set(key, bytes);
  }
}
