/**
 * Texts of files as we wrote them last, by checksum: where a person and we both change a file, this is what both began
 * with. They can be missed: without one a file can be kept or replaced, and not merged.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { makeFolder, writeAnew } from '../../client/files.ts';

/** Of a few hundred transcripts. */
const MOST_FILES = 1000,
  /** How often that is looked at: once in so many. */
  LOOK_EVERY = 50;

export class Bases {
  private readonly folder: string;
  private kept = 0;

  /** @param folder of the daemon's own, where nobody else writes */
  constructor(folder: string) {
    this.folder = folder;
  }

  async keep(checksum: string, text: string): Promise<void> {
    try {
      await makeFolder(this.folder, 0o700);
      await writeAnew(this.place(checksum), await promisify(gzip)(text), 0o600);
      if (this.kept++ % LOOK_EVERY === 0) await this.tidy();
    } catch {
      // A full disk, for instance: what it is for goes on without it.
    }
  }

  /** Null: it is not known any more. */
  async of(checksum: string | null): Promise<string | null> {
    if (checksum === null) return null;
    try {
      return (await promisify(gunzip)(await readFile(this.place(checksum)))).toString('utf8');
    } catch {
      return null;
    }
  }

  private place(checksum: string): string {
    return join(this.folder, `${checksum}.gz`);
  }

  private async tidy(): Promise<void> {
    const names = await readdir(this.folder);
    if (names.length <= MOST_FILES) return;
    const aged = await Promise.all(
      names.map(async name => ({ name, at: (await stat(join(this.folder, name)).catch(() => null))?.mtimeMs ?? 0 })),
    );
    aged.sort((a, b) => b.at - a.at);
    await Promise.all(aged.slice(MOST_FILES).map(({ name }) => rm(join(this.folder, name), { force: true })));
  }
}
