/** Recordings on their way in: decoded and cut by child processes, their utterances known one after the other. */
import { mkdirSync } from 'node:fs';
import { canHeal, toFailure } from '../../schemas/errors.ts';
import type { Catalogue } from './catalogue.ts';
import type { Core } from './core.ts';
import { jobFiles } from './inputs.ts';
import { OUTSIDE_KILLS } from './loads.ts';
import type { JobWork } from './work.ts';

export class Ingests {
  private readonly core: Core;

  constructor(core: Core) { this.core = core; }

  start(work: JobWork): void {
    const { home, ingest, catalogue, log } = this.core.parts;
    if (this.core.parts.clock() < work.ingestNotBefore) return;
    let tools: ReturnType<Catalogue['ingestTools']>;
    try { tools = catalogue.ingestTools(); } catch (error) { this.core.end(work, 'failed', toFailure(error)); return; }
    if (!tools) return; // being fetched; its end wakes us
    const { id, path, options } = work.row;
    const files = jobFiles(home.audio, id);
    work.ingest = 'running';
    work.ingestAbort = new AbortController();
    this.core.note({ kind: 'ingest.started', job: id });
    const isNow = (): boolean => this.core.jobs.get(id) === work && this.core.leaving === 'no';
    this.core.outbox.cleared(id).then(() => {
      mkdirSync(files.speech, { recursive: true, mode: 0o700 });
      return ingest({
        recording: path, audioTrack: options.audioTrack ?? 0, pcmPath: files.pcm, ...tools, node: process.execPath, expected: { bytes: work.row.bytes, modifiedAt: work.row.modifiedAt },
        onStart: ({ durationMs }) => this.core.heard(() => { if (isNow()) this.core.update(work, { durationMs }); }),
        onUtterances: rows => this.core.heard(() => {
          if (!isNow()) return;
          this.core.parts.store.addUtterances(id, rows);
          const at = this.core.parts.clock();
          work.addUtterances(rows);
          this.core.parts.metrics.known(id, rows, at);
          this.core.tell(work);
        }),
        onProgress: ms => { if (isNow()) { work.row.ingestedMs = ms; this.core.tell(work); } },
        signal: work.ingestAbort!.signal,
      });
    }).then(({ durationMs, warnings }) => this.core.heard(() => {
      if (!isNow()) return;
      work.ingest = 'done';
      this.core.lengths.learn(work.row, durationMs);
      this.core.update(work, { ingested: true, durationMs, ingestedMs: durationMs, warnings: [...work.row.warnings, ...warnings] }, { kind: 'ingest.finished', data: { utterances: work.utterances.length, durationMs } });
      this.core.advance(work);
    }), error => this.core.heard(() => {
      if (!isNow()) return;
      const why = toFailure(error);
      log(`ingest of ${id}: ${String(error)}`);
      work.ingest = 'waiting';
      // Somebody who kills a decoder says nothing about the recording.
      const most = why.args.exit === 'SIGKILL' ? OUTSIDE_KILLS : this.core.parts.settings().attempts;
      if (!canHeal(why.code) || ++work.ingestTries >= most) this.core.end(work, 'failed', why);
      else {
        const pauseMs = this.core.retryPauseMs(Math.min(work.ingestTries, 3));
        // What is known already stays: the same recording gives the same utterances.
        work.ingestNotBefore = this.core.parts.clock() + pauseMs;
        this.core.note({ kind: 'ingest.failed', job: id, data: { failure: why } });
        setTimeout(() => this.core.wake(), pauseMs);
      }
    }));
  }
}
