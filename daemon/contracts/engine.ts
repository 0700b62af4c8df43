/** What the daemon knows about an engine: its manifest, and how to start a worker of it. */
import type { DeviceKind, Stage } from '../../schemas/words.ts';
import type { ModelCard } from '../../schemas/model.ts';

/** One of several voices that a model has. */
export interface ModelVoice {
  name: string;
  /** As most men's, or as most women's. */ pitch: 'low' | 'high';
}

export type RuntimeId = 'python' | 'llama' | 'sherpa' | 'dictionaries' | 'ffmpeg' | 'postgres';

export interface Engine {
  id: string;
  name: string;
  stages: readonly Stage[];
  devices: readonly DeviceKind[];
  licence: string;
  /** Runtimes to be installed first (daemon/runtimes). */
  runtimes: readonly RuntimeId[];
  /** Most contiguous utterances in one run that still gain by it, by stage. */
  maxBatch: Partial<Record<Stage, number>>;
  /**
   * Where a batch gains by it; missing: everywhere. On the others utterances go one by one, and their text comes
   * sooner.
   */
  batchDevices?: readonly DeviceKind[];
  /**
   * Stages whose steps see what the same stage made of the steps before; these go one after the other, so that the
   * outcome never depends on timing.
   */
  contextual?: readonly Stage[];
  /**
   * It recognizes best with what is said around: utterances that follow each other go through it together, up to this
   * long. Missing: each by itself.
   */
  windowMs?: number;
  /** Its recognizer does `partial` steps. */
  partials?: boolean;
  /** A model that does `partial` steps and goes on from what it heard, so that each costs it only the new sound. */
  streams?(card: Pick<ModelCard, 'parameters'>): boolean;
  /** It says how well the sound fits another text: repair asks it first, and needs no other model. */
  scoresAlternatives?: boolean;
  /** Of a repair that takes what the recognizer says of the sound into account. */
  weighsAlternatives?: boolean;
  /** Runtimes that it does more with, where they are installed. */
  optionalRuntimes?: readonly RuntimeId[];
  /** Computes on the GPU of Apple silicon, in the memory of the CPU device (`metal` says whether it is to). */
  usesMetal?: boolean;
  /** Takes any number of threads at any time: as the run says, and `threads` in the middle of it. */
  elastic?: boolean;
  /** True: a run's duration does not depend on our cores or memory (a server elsewhere). */
  remote?: boolean;
  /**
   * What its workers may do beyond reading their model and the sound, and writing speech (daemon/workers/sandbox).
   * Missing: nothing. `users`: whatever the user may, because its program is the user's own.
   */
  permissions?: 'network' | 'users';
  /** For tests: it is listed nowhere, and a model of it is chosen only by its name. */
  hidden?: true;
  /** Another installed model that its workers may turn to, for what a model cannot do. */
  companion?(card: ModelCard, installed: readonly ModelCard[]): ModelCard | undefined;
  /** The voices of a model that are at home in a language, the most natural first. Missing: each model has one. */
  voicesIn?(card: ModelCard, language: string): readonly ModelVoice[];
  /** Folders of its own that its workers change. */
  writes?(context: WorkerContext): string[];
  /** Program and arguments of a worker. No shell. */
  command(context: WorkerContext): { program: string; args: string[]; env: Record<string, string> };
}

/** Where a worker computes. `metal`: on the GPU that shares the processor's memory. */
export type WorkDevice = { kind: 'cpu'; metal?: true } | { kind: 'gpu'; uuid: string };

export interface WorkerContext {
  card: ModelCard;
  /** Where a runtime was installed. */
  runtime(id: RuntimeId): string;
  device: WorkDevice;
  threads: number;
}
