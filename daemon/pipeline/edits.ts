/** What people change in jobs that are over, and in their files: commands of the one writer. */
import { isAbsolute } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { ExportedFile, Params } from '../../schemas/rpc.ts';
import { isFinal, type Format } from '../../schemas/words.ts';
import type { JobRow } from '../contracts/store.ts';
import { writeFormat } from '../outputs/deliver.ts';
import { exportTo, followAll } from '../outputs/exports.ts';
import { renameSpeakers } from '../outputs/speaker-names.ts';
import type { Core } from './core.ts';

export class Edits {
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  /** Answers with the voice of each. @throws unknownJob, wrongState while the job runs, outputNotWritable, diskFull */
  async renameSpeakers(id: string, names: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    this.final(id);
    return this.core.commands.run(id, async () => {
      const { voices, outputs, warnings } = await renameSpeakers(this.final(id), names, this.core.deps);
      this.core.jobs.change(id, { outputs }, warnings);
      return voices;
    });
  }

  /** A file of a job in one format: where it lies. @throws unknownJob, badRequest, outputNotWritable, diskFull */
  async write(id: string, format: Format, directory?: string): Promise<string> {
    const { store, outputs } = this.core.deps;
    this.known(id);
    return this.core.commands.run(id, async () => {
      const job = { row: this.known(id), made: store.utterances(id) },
        { path, change } = await writeFormat(job, format, directory, outputs);
      if (change) this.core.jobs.change(id, { outputs: change.outputs }, change.warnings);
      return path;
    });
  }

  /**
   * A transcript file in another format, or all files that follow it. @throws badRequest, noSuchFile, notATranscript,
   * fontMissing, outputNotWritable, diskFull
   */
  async export({ path, to, look }: Params<'transcript/export'>): Promise<ExportedFile[]> {
    const { store, outputs } = this.core.deps;
    for (const each of [path, ...(to ? [to.path] : [])])
      if (!isAbsolute(each)) throw new EarshotError('badRequest', { path: each });
    return this.core.commands.run(path, async () =>
      to ? [await exportTo(path, to, { store, outputs })] : followAll(path, look ? { look } : {}, { store, outputs }),
    );
  }

  private known(id: string): JobRow {
    const row = this.core.deps.store.job(id);
    if (!row) throw new EarshotError('unknownJob', { id });
    return row;
  }

  private final(id: string): JobRow {
    const row = this.known(id);
    if (!isFinal(row.state)) throw new EarshotError('wrongState', { id, state: row.state });
    return row;
  }
}
