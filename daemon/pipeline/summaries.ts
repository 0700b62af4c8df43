/**
 * Summaries as jobs: each is a job of its own over a finished transcript, and gives way to every job that makes one.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { EarshotError, toFailure } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { isFinal } from '../../schemas/words.ts';
import { ulid } from '../system/ids.ts';
import { isJob } from '../outputs/summaries.ts';
import { readTranscript } from '../outputs/transcript-file.ts';
import type { JobRow, Store } from '../contracts/store.ts';
import type { Core } from './core.ts';
import { modelsFor, stagesOf, type Choices } from '../jobs/request.ts';
import type { JobWork } from '../jobs/work.ts';
import { checkFullPath } from '../system/full-path.ts';

type Facts = Pick<JobRow, 'path' | 'name' | 'bytes' | 'modifiedAt' | 'durationMs' | 'language'>;

/** `of`: a job's id or a transcript file. @throws unknownJob, wrongState, noSuchFile, notATranscript */
async function factsOf(of: string, store: Store): Promise<Facts> {
  if (isJob(of)) {
    const row = store.job(of);
    if (!row) throw new EarshotError('unknownJob', { id: of });
    // What is missing would be missing in the summary, and nobody would see.
    if (row.state !== 'completed' || row.options.source === 'transcript')
      throw new EarshotError('wrongState', { id: of, state: row.state });
    return row;
  }
  checkFullPath(of);
  const { recording, language } = await readTranscript(of),
    { size, mtimeMs } = await stat(of);
  return {
    path: of,
    name: recording.name,
    bytes: size,
    modifiedAt: Math.floor(mtimeMs),
    durationMs: recording.durationMs,
    language,
  };
}

export interface SummaryRequest {
  of: string;
  model?: string | undefined;
}

/** @throws noSummary (no model is there), unknownModel, wrongStage */
export async function summaryRow(
  { of, model }: SummaryRequest,
  facts: Facts,
  id: string,
  now: number,
  choices: Choices,
  position: number,
): Promise<JobRow> {
  const { models: defaults } = await choices.defaults(),
    options: JobRow['options'] = {
      repair: false,
      source: 'transcript',
      transcript: of,
      ...(model ? { models: { summary: model } } : {}),
    };
  const models = modelsFor(options, null, choices, {
      summary: choices.summariser?.(defaults.summary) ?? defaults.summary,
    }),
    chosen = models.summary!;
  // Nothing large is fetched for what nobody waits for.
  if (choices.ready?.(chosen) === false) throw new EarshotError('noSummary', { model: chosen });
  const { path, name, bytes, modifiedAt, durationMs, language } = facts;
  return {
    id,
    path,
    name,
    bytes,
    modifiedAt,
    durationMs,
    language,
    options,
    stages: stagesOf(options),
    models,
    priority: 'low',
    position,
    state: 'pending',
    createdAt: now,
    startedAt: null,
    finishedAt: null,
    fingerprint: createHash('sha256')
      .update(JSON.stringify(['summary', of, bytes, modifiedAt, chosen]))
      .digest('hex'),
    ingested: false,
    ingestedMs: 0,
    failure: null,
    warnings: [],
    outputs: [],
    overtaken: 0,
    crashes: 0,
  };
}

export class Summaries {
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  /**
   * One that is on its way, or was made of the same already, is returned, unless `again`. @throws what factsOf and
   * summaryRow throw
   */
  async request(request: SummaryRequest & { again?: boolean | undefined }): Promise<{ job: Job; existing: boolean }> {
    const { store } = this.core.deps,
      row = await this.row(request, await factsOf(request.of, store));
    const known = store.findDuplicate(row.fingerprint);
    if (known && (!request.again || !isFinal(known.state)))
      return { job: this.core.publication.present(known.id)!, existing: true };
    store.turn(() => this.begin(row));
    this.core.wake();
    await store.synced();
    return { job: this.core.publication.present(row.id)!, existing: false };
  }

  /** For the end of a job that asked for one: its row; null, and a warning, where it cannot be had. */
  async after({ row }: JobWork): Promise<JobRow | null> {
    try {
      return await this.row({ of: row.id, model: row.options.models?.summary }, row);
    } catch (error) {
      row.warnings = [...row.warnings, toFailure(error)];
      return null;
    }
  }

  /** Within the transaction of what made it necessary. */
  begin(row: JobRow): void {
    const { store } = this.core.deps,
      of = row.options.transcript!;
    store.submit([row]);
    if (isJob(of)) {
      const before = this.core.jobs.get(of)?.row ?? store.job(of),
        summary = { ...before?.summary, job: row.id };
      store.update(of, { summary });
      const parent = this.core.jobs.get(of);
      if (parent) parent.row.summary = summary;
    }
    this.core.publication.job(this.core.jobs.adopt(row));
  }

  private row(request: SummaryRequest, facts: Facts): Promise<JobRow> {
    const { clock, catalogue } = this.core.deps,
      now = clock();
    return summaryRow(request, facts, ulid(now), now, catalogue, this.core.jobs.nextPosition());
  }
}
