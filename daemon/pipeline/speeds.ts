/** How fast models are here: work for one second of recording, alone on its device; and how much others slow it. */
import type { Stage } from '../../schemas/words.ts';
import type { Store } from '../contracts/store.ts';
import { Averages } from '../jobs/averages.ts';
import { Slowdowns } from './slowdowns.ts';

/** Guesses until there is a measurement: ms of work for one second of recording. */
const FIRST_GUESS: Readonly<Record<Stage, { cpu: number; gpu: number }>> = {
  asr: { cpu: 200, gpu: 30 },
  repair: { cpu: 150, gpu: 30 },
  nmt: { cpu: 400, gpu: 60 },
  tts: { cpu: 200, gpu: 50 },
  summary: { cpu: 60, gpu: 5 },
};

/** Of device, how it is identified here: the processor or some GPU. */
export const kindOf = (device: string): 'cpu' | 'gpu' => (device === 'cpu' ? 'cpu' : 'gpu');

export class Speeds {
  readonly #known: Averages;
  readonly slowdowns: Slowdowns;

  constructor(store: Store) {
    this.#known = new Averages(store, 'speeds');
    this.slowdowns = new Slowdowns(store);
  }
  get(model: string, stage: Stage, kind: 'cpu' | 'gpu'): number {
    return this.#known.get(`${model}/${stage}/${kind}`) ?? FIRST_GUESS[stage][kind];
  }
  /** ms of work for one second of recording; undefined: it has not worked here yet. */
  known(model: string, stage: Stage, kind: 'cpu' | 'gpu'): number | undefined {
    return this.#known.get(`${model}/${stage}/${kind}`);
  }
  measured(model: string, stage: Stage, kind: 'cpu' | 'gpu', msPerSecond: number): void {
    this.#known.learn(`${model}/${stage}/${kind}`, msPerSecond);
  }
  save(): void {
    this.#known.save();
    this.slowdowns.save();
  }
}
