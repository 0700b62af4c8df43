/** The jobs that are not over, by their ids, and their rows: a change of a row is one in the store and in memory. */
import { statSync } from 'node:fs';
import type { Failure } from '../../schemas/errors.ts';
import type { Turn } from '../../schemas/job.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Engine, ModelVoice } from '../contracts/engine.ts';
import type { NewJournalEntry } from '../contracts/journal.ts';
import type { JobRow } from '../contracts/store.ts';
import { cast } from '../jobs/casting.ts';
import { Lengths } from '../jobs/lengths.ts';
import { Windows } from '../jobs/windows.ts';
import { isLent, JobWork } from '../jobs/work.ts';
import { withWarnings } from '../outputs/outputs.ts';
import type { Deps } from './deps.ts';
import { jobFiles } from './inputs.ts';

/** Who publishes a job that changed. */
interface JobPublisher {
  job(work: JobWork): void;
  stored(row: JobRow): void;
}

export class JobTable extends Map<string, JobWork> {
  /** How long recordings turned out to be. */
  readonly lengths: Lengths;
  private readonly deps: Pick<Deps, 'store' | 'clock' | 'home' | 'catalogue' | 'engine'>;
  private readonly publisher: JobPublisher;
  private lastPosition = 0;

  constructor(deps: JobTable['deps'], publisher: JobPublisher) {
    super();
    this.deps = deps;
    this.publisher = publisher;
    this.lengths = new Lengths(deps.store);
  }

  /** Where a new job goes: behind all others, whatever the clock says. */
  nextPosition(): number {
    return (this.lastPosition = Math.max(this.deps.clock(), this.lastPosition + 1));
  }

  /** `isKnown`: some of its utterances may be; of one that is tried again, before anything begins. */
  adopt(
    row: JobRow,
    isKnown = row.state !== 'pending' || row.startedAt !== null || row.ingestedMs > 0 || row.ingested,
  ): JobWork {
    // Somebody may have thrown its sound away meanwhile: the recording gives the same again.
    if (row.ingested && !row.live && !isLent(row) && (row.options.source === 'transcript' || !this.hasSound(row)))
      row.ingested = false;
    const work = new JobWork(row, this.lengths.guessMs(row));
    this.lastPosition = Math.max(this.lastPosition, row.position);
    this.learnContext(work);
    if (isKnown) work.restore(this.deps.store.utterances(row.id));
    this.set(row.id, work);
    return work;
  }

  private hasSound({ id, durationMs }: JobRow): boolean {
    const bytes = statSync(jobFiles(this.deps.home.audio, id).pcm, { throwIfNoEntry: false })?.size ?? 0;
    return bytes >= (durationMs ?? 0) * BYTES_PER_MS;
  }

  /**
   * Which of its models look back, and how much its recognizer takes together; again when a model was settled later.
   */
  private learnContext(work: JobWork): void {
    const { catalogue, engine } = this.deps;
    const engineOf = (stage: Stage): Engine | undefined => {
      const model = work.row.models[stage],
        card = model ? catalogue.card(model) : undefined;
      return card && engine(card.engine);
    };
    // Notes are drawn together once they are all there.
    work.contextual = work.row.stages.filter(
      stage => stage === 'summary' || (engineOf(stage)?.contextual?.includes(stage) ?? false),
    );
    work.modelVoices = this.voicesFor(work);
    const asr = engineOf('asr'),
      repair = engineOf('repair');
    work.repairedBySound =
      work.row.stages.includes('repair') &&
      (asr?.scoresAlternatives ?? false) &&
      (repair ? (repair.weighsAlternatives ?? false) : work.row.models.repair === undefined);
    if (work.repairedBySound) catalogue.enrich(asr!.id);
    // Somebody who speaks wants to read each utterance as it comes.
    const windowMs = work.row.live ? 0 : (asr?.windowMs ?? 0);
    if (windowMs !== work.windows.mostMs) work.windows = new Windows(work.utterances, windowMs);
  }

  private voicesFor({ row }: JobWork): readonly ModelVoice[] {
    const { options, language, models } = row,
      spoken = options.translateTo ?? options.language ?? language,
      card = models.tts === undefined ? undefined : this.deps.catalogue.card(models.tts);
    return card && spoken && options.voice === undefined
      ? (this.deps.engine(card.engine)?.voicesIn?.(card, spoken) ?? [])
      : [];
  }

  update(work: JobWork, change: Partial<JobRow>, journal?: NewJournalEntry): void {
    this.deps.store.update(work.row.id, change, journal && { ...journal, at: this.deps.clock() });
    Object.assign(work.row, change);
    if (change.models) this.learnContext(work);
    this.publisher.job(work);
  }

  /** Who speaks: a label or none by utterance, turns where there are several, and the voice of each label. */
  label(
    work: JobWork,
    speakers: readonly (string | null)[],
    voices: Record<string, string>,
    turns: readonly (Turn[] | null)[] = [],
    pitches: Readonly<Record<string, number>> = {},
  ): void {
    const names = [...new Set(speakers.filter(speaker => speaker !== null))].map(name => ({
        name,
        pitchHz: pitches[name],
      })),
      casting = work.modelVoices.length ? { casting: cast(names, work.modelVoices) } : {};
    this.deps.store.batch(() => {
      this.deps.store.setSpeakers(work.row.id, speakers, turns);
      this.update(work, { voices, ...casting });
    });
    for (const utterance of work.made) {
      const label = speakers[utterance.index];
      if (label) utterance.speaker = label;
      const own = turns[utterance.index];
      if (own) utterance.turns = own;
    }
  }

  /** Of a job that may be over: its row, wherever it is, and publishes it. */
  change(id: string, change: Partial<JobRow>, warnings: readonly Failure[] = []): void {
    const { store } = this.deps,
      work = this.get(id),
      row = work?.row ?? store.job(id);
    if (!row) return; // forgotten meanwhile
    const more = { ...change, ...(warnings.length ? { warnings: withWarnings(row.warnings, warnings) } : {}) };
    if (work) this.update(work, more);
    else {
      store.update(id, more);
      this.publisher.stored({ ...row, ...more });
    }
  }
}
