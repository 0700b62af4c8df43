/** How fast models are here: work for one second of recording, as a moving average that survives restarts. */
import type { Stage } from '../../schemas/words.ts';
import type { Store } from '../store/port.ts';

/** Guesses until there is a measurement: ms of work for one second of recording. */
const FIRST_GUESS: Readonly<Record<Stage, { cpu: number; gpu: number }>> = {
  asr: { cpu: 200, gpu: 30 }, repair: { cpu: 150, gpu: 30 }, nmt: { cpu: 400, gpu: 60 }, tts: { cpu: 200, gpu: 50 },
};
const WEIGHT_OF_NEWEST = 0.2;
const KEY = 'speeds';

export class Speeds {
  private readonly store: Store;
  private readonly known: Map<string, number>;
  private dirty = false;

  constructor(store: Store) {
    this.store = store;
    this.known = new Map(Object.entries(JSON.parse(store.meta(KEY) ?? '{}') as Record<string, number>));
  }
  get(model: string, stage: Stage, kind: 'cpu' | 'gpu'): number { return this.known.get(`${model}/${stage}/${kind}`) ?? FIRST_GUESS[stage][kind]; }
  measured(model: string, stage: Stage, kind: 'cpu' | 'gpu', msPerSecond: number): void {
    const key = `${model}/${stage}/${kind}`, before = this.known.get(key);
    this.known.set(key, before === undefined ? msPerSecond : before + (msPerSecond - before) * WEIGHT_OF_NEWEST);
    this.dirty = true;
  }
  save(): void {
    if (!this.dirty) return;
    this.store.setMeta(KEY, JSON.stringify(Object.fromEntries(this.known)));
    this.dirty = false;
  }
}
