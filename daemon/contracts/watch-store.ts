/** What the store keeps of watched folders. A part of the port. */
import type { WatchDecision, WatchSpec } from '../../schemas/watch.ts';

export interface FolderRow {
  spec: WatchSpec;
  paused: boolean;
  since: number;
}

/**
 * The last that was decided about a path, and about which file: another size, time or identity (device and inode) is
 * another file.
 */
export interface FileRow {
  folder: string;
  path: string;
  bytes: number;
  modifiedAt: number;
  identity: string;
  /** Null: not read. */
  content: string | null;
  job: string | null;
  decision: WatchDecision;
  at: number;
}

/** What a folder has taken: where it lies now, and its job. */
export interface TakenRow {
  folder: string;
  content: string;
  path: string;
  job: string;
}

export interface WatchStore {
  folders(): FolderRow[];
  /** Adds or replaces. */
  putFolder(row: FolderRow): void;
  /** `forget`: also its files. */
  removeFolder(path: string, forget: boolean): void;
  file(folder: string, path: string): FileRow | null;
  /** Files of the folder with this identity, or this content. */
  byIdentity(folder: string, identity: string): FileRow[];
  byContent(folder: string, content: string): FileRow[];
  putFiles(rows: readonly FileRow[]): void;
  taken(folder: string, content: string): TakenRow | null;
  takenBy(job: string): TakenRow | null;
  putTaken(row: TakenRow): void;
  /** Newest first. */
  recent(folder: string, limit: number): FileRow[];
  count(folder: string): { taken: number; refused: number };
  /** Taken by a job that is not over. */
  open(): (TakenRow & { started: boolean })[];
  /** Of a folder that moves its originals: completed, and not moved yet. */
  unmoved(folder: string): TakenRow[];
}
