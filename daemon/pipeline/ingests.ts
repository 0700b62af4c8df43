/** Recordings on their way in: decoded and cut by child processes, their utterances known one after the other. */
import { statSync } from 'node:fs';
import { isRetryable, failure, toFailure, type Failure } from '../../schemas/errors.ts';
import { sandboxEnabled } from '../workers/sandbox/sandbox.ts';
import { makeFolder } from '../../client/files.ts';
import type { Catalogue } from './catalogue.ts';
import type { Core } from './core.ts';
import type { Speaking } from '../ingest/channel.ts';
import { readTextPieces } from '../ingest/long-text.ts';
import { hintsOf } from '../ingest/text.ts';
import { jobFiles } from './inputs.ts';
import { liveInput } from './live.ts';
import { isOutsideKill, OUTSIDE_KILLS } from './outside-kills.ts';
import type { Partials } from './partials.ts';
import { withWarnings } from '../outputs/outputs.ts';
import { transcriptFor } from '../outputs/summaries.ts';
import { languageOf, piecesOf } from '../summaries/pieces.ts';
import type { JobRow, UtteranceRow } from '../contracts/store.ts';
import { submittedFacts } from '../jobs/request.ts';
import { isSummary, type JobWork } from '../jobs/work.ts';

/** Every client of a session gets its job so often; ten sessions at once are enough traffic. */
const LIVE_EVERY_MS = 250;
/** Of a speaker, in subtitles: what a name may be (schemas/job.ts). */
const LONGEST_NAME = 100;

export class Ingests {
  private readonly core: Core;

  private readonly partials: Partials;

  constructor(core: Core, partials: Partials) {
    this.core = core;
    this.partials = partials;
  }

  start(work: JobWork): void {
    const { catalogue } = this.core.deps;
    if (this.core.deps.clock() < work.ingestNotBefore) return;
    if (work.row.options.source === 'text') {
      this.read(work);
      return;
    }
    if (isSummary(work)) {
      this.readTranscript(work);
      return;
    }
    let tools: ReturnType<Catalogue['ingestTools']>;
    try {
      tools = catalogue.ingestTools();
    } catch (error) {
      this.core.steps.failed(work, error);
      return;
    }
    if (!tools) return; // being fetched; its end wakes us
    const { id } = work.row;
    work.ingest = 'running';
    work.ingestAbort = new AbortController();
    this.core.note({ kind: 'ingest.started', job: id });
    this.core.outbox
      .cleared(id)
      .then(() => this.decode(work, tools, work.ingestAbort!.signal))
      .then(
        whole =>
          this.core.receive(() => {
            if (this.isNow(work)) this.finished(work, whole);
          }),
        error =>
          this.core.receive(() => {
            if (this.isNow(work)) this.failed(work, error);
          }),
      );
  }

  /** What comes in is of a job that is still there, and may be kept. */
  private isNow(work: JobWork): boolean {
    return this.core.jobs.get(work.row.id) === work && this.core.leaving === 'no';
  }

  /** Starts the child that decodes and cuts; resolves when the sound is whole. */
  private async decode(
    work: JobWork,
    tools: NonNullable<ReturnType<Catalogue['ingestTools']>>,
    signal: AbortSignal,
  ): Promise<{ durationMs: number; warnings: Failure[] }> {
    const { home, ingest, liveIngest, settings, prewarmed } = this.core.deps,
      { id } = work.row,
      files = jobFiles(home.audio, id);
    await makeFolder(files.speech, 0o700);
    // As it is now: a live session may have been closed meanwhile.
    const { path, name, options, live } = work.row;
    let coming = 0,
      publishedMs = -Infinity;
    const request = {
      pcmPath: files.pcm,
      ...tools,
      node: process.execPath,
      sandboxed: sandboxEnabled(settings()),
      prewarmed,
      signal,
      onStart: ({ durationMs }: { durationMs: number | null }) =>
        this.core.receive(() => {
          if (this.isNow(work)) this.core.jobs.update(work, { durationMs });
        }),
      onUtterances: (rows: UtteranceRow[]) => {
        coming++;
        this.core.receive(() => {
          coming--;
          if (this.isNow(work)) this.add(work, rows);
        });
      },
      onProgress: (ms: number, taken: number, speaking?: Speaking) => {
        const advance = (): void => {
          if (!this.isNow(work)) return;
          work.row.ingestedMs = ms;
          work.ingestedBytes = taken;
          if (speaking) this.partials.heard(work, ms, speaking);
          if (live && speaking && ms - publishedMs < LIVE_EVERY_MS) return;
          publishedMs = ms;
          this.core.publication.job(work);
        };
        // Not before the utterances that came before it: else their sound would seem to be text already.
        if (coming > 0) this.core.receive(advance);
        else advance();
      },
    };
    if (!live)
      return ingest({
        ...request,
        recording: path,
        audioTrack: options.audioTrack ?? null,
        expected: submittedFacts(work.row),
      });
    const inputPath = liveInput(home.audio, id, live.format),
      there = statSync(inputPath, { throwIfNoEntry: false })?.size ?? 0;
    work.liveIngest = liveIngest({ ...request, recording: name, format: live.format, inputPath });
    work.liveIngest.grown(there, !live.open);
    return work.liveIngest.done.finally(() => {
      work.liveIngest = null;
    });
  }

  private finished(work: JobWork, { durationMs, warnings }: { durationMs: number; warnings: Failure[] }): void {
    work.ingest = 'done';
    this.core.jobs.lengths.learn(work.row, durationMs);
    this.core.jobs.update(
      work,
      { ingested: true, durationMs, ingestedMs: durationMs, warnings: [...work.row.warnings, ...warnings] },
      { kind: 'ingest.finished', data: { utterances: work.utterances.length, durationMs } },
    );
    this.core.steps.advance(work);
  }

  private failed(work: JobWork, error: unknown): void {
    const why = toFailure(error),
      { id } = work.row,
      { log, settings, clock } = this.core.deps;
    log.warn({ err: error as Error, job: id }, 'ingest failed');
    work.ingest = 'waiting';
    const most = isOutsideKill(why) ? OUTSIDE_KILLS : settings().attempts;
    work.ingestTries++;
    // A full disk is nobody's fault either: the queue waits for room.
    if (why.code === 'diskFull') this.core.publication.diskFull(why);
    if (!isRetryable(why.code) || (why.code !== 'diskFull' && work.ingestTries >= most)) {
      this.core.steps.end(work, 'failed', why);
      return;
    }
    const pauseMs = this.core.retryPauseMs(Math.min(work.ingestTries, 3));
    // What is known already stays: the same recording gives the same utterances.
    work.ingestNotBefore = clock() + pauseMs;
    this.core.note({ kind: 'ingest.failed', job: id, data: { failure: why } });
    setTimeout(() => this.core.wake(), pauseMs);
  }

  private read(work: JobWork): void {
    const { id, path, options } = work.row;
    this.atOnce(
      work,
      readTextPieces(path, hintsOf(options), submittedFacts(work.row)).then(async read => {
        await makeFolder(jobFiles(this.core.deps.home.audio, id).speech, 0o700);
        return read;
      }),
      ({ pieces, warnings }) => {
        const durationMs = pieces.reduce((latest, piece) => Math.max(latest, piece.endMs), 0);
        work.texts = pieces.map(piece => piece.text);
        return {
          pieces,
          change: { durationMs, ingestedMs: durationMs, warnings: withWarnings(work.row.warnings, warnings) },
        };
      },
    );
  }

  private readTranscript(work: JobWork): void {
    this.atOnce(work, transcriptFor(work.row.options.transcript!, this.core.deps.store), transcript => {
      const pieces = (work.pieces = piecesOf(transcript)),
        ms = Math.max(0, ...pieces.map(piece => piece.endMs));
      if (pieces.length === 0) {
        this.core.steps.end(work, 'failed', failure('nothingSaid', { path: work.row.path }));
        return null;
      }
      return {
        pieces,
        change: { ingestedMs: transcript.recording.durationMs ?? ms, language: languageOf(transcript) },
      };
    });
  }

  /**
   * What is known at once: its utterances, what they are made of and the end of reading are one turn. `take` answers
   * null when it has ended the job.
   */
  private atOnce<T>(
    work: JobWork,
    reading: Promise<T>,
    take: (
      read: T,
    ) => {
      pieces: readonly { startMs: number; endMs: number; speaker?: string | null }[];
      change: Partial<JobRow>;
    } | null,
  ): void {
    work.ingest = 'running';
    reading.then(
      read =>
        this.core.receive(() => {
          const taken = this.isNow(work) ? take(read) : null;
          if (!taken) return;
          this.add(
            work,
            taken.pieces.map(({ startMs, endMs }, index) => ({ index, startMs, endMs })),
          );
          const speakers = taken.pieces.map(({ speaker }) => speaker?.slice(0, LONGEST_NAME) ?? null);
          if (speakers.some(Boolean)) this.core.jobs.label(work, speakers, {});
          work.ingest = 'done';
          this.core.jobs.update(
            work,
            { ingested: true, ...taken.change },
            { kind: 'ingest.finished', data: { utterances: taken.pieces.length } },
          );
          this.core.steps.advance(work);
        }),
      error =>
        this.core.receive(() => {
          if (this.isNow(work)) this.core.steps.failed(work, error);
        }),
    );
  }

  /** While a recognizer is loaded and nothing is asked of it, a process stands ready for the next recording. */
  standBy(): void {
    const { prewarmed, catalogue } = this.core.deps;
    if (!prewarmed) return;
    const loaded =
      this.core.leaving === 'no' &&
      [...this.core.instances.values()].some(
        ({ options, state }) => options.stage === 'asr' && (state === 'idle' || state === 'busy'),
      );
    if (!loaded) return prewarmed.drop();
    if (this.core.jobs.size > 0) return;
    try {
      const tools = catalogue.ingestTools();
      if (tools) prewarmed.keep(process.execPath, tools.sherpaDirectory);
    } catch {
      /* the next recording says what is missing */
    }
  }

  private add(work: JobWork, rows: readonly UtteranceRow[]): void {
    const { store, clock, metrics } = this.core.deps,
      { id } = work.row,
      at = clock();
    store.addUtterances(id, rows);
    work.addUtterances(rows, work.row.live ? at : undefined);
    metrics.known(id, rows, at, work.row.stages[0]);
    this.core.publication.job(work);
  }
}
