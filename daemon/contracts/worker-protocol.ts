/**
 * What the daemon and a worker say to each other, over the worker's stdin and stdout.
 *
 * Framing: one JSON object a line, UTF-8, at most 16 MiB. A worker keeps its real stdout for this alone (libraries that
 * print must be pointed to stderr first); stderr is its log. Sound never travels here: it lies in files, named by path
 * and sample range.
 *
 * Story: the worker says `hello`; the daemon sends one `load`; the worker answers `loaded` or `failed` (and ends).
 * Then, one at a time: `run` → `progress`* → one `result` for each step, in any order, and what was wanted beside it →
 * `done`, or `failed` with the run's id (the worker lives on). Every second the worker sends `heartbeat` from a thread
 * or timer that a long computation does not hold up. `cancel` asks a run to stop (it answers `failed` with code
 * `cancelled`); the sure way is ending the process. `threads` gives the run of an engine that takes any number of them
 * another number. `unload`, or stdin closing, ends the worker. `forget`, which comes at any time and is not answered,
 * goes to models that stream: what they keep of a recording is not wanted any more.
 */
import type {
  AsrOutput,
  GlossaryEntry,
  NmtOutput,
  RepairOutput,
  SummaryOutput,
  TtsOutput,
  Word,
} from '../../schemas/job.ts';
import type { Failure } from '../../schemas/errors.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Alternative } from './alternatives.ts';
import type { WorkDevice } from './engine.ts';

export const WORKER_PROTOCOL = 1;
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** Mono 16-bit little-endian PCM at 16 kHz without a header; [startSample, endSample) of the file. */
export interface PcmRange {
  path: string;
  startSample: number;
  endSample: number;
}

/**
 * The stretch that an utterance is recognized in, with its neighbours: the words whose middle lies in [keepFrom,
 * keepTo) are its own. Samples of the same file. Steps of one window name the same stretch; what an utterance's words
 * are never depends on which of them a run asks for.
 */
export interface RecognitionWindow {
  startSample: number;
  endSample: number;
  keepFrom: number;
  keepTo: number;
  /** Where its utterances part, in order. */
  borders?: number[];
}

export interface StepInputs {
  /**
   * `language`: what somebody said it is in; null: the recognizer listens, and each utterance has its own. Then
   * `expected` is what the recording was heard to be in, once that is known, and `before` the stretch that is
   * recognized before this one: for where this one alone leaves it open. Neither changes with what runs when.
   *
   * `partial`: what is still being said, the only step of its run. The answer is shown and thrown away, so it is to
   * come fast, without word times; what other steps yield must not depend on it.
   */
  asr: {
    audio: PcmRange;
    window?: RecognitionWindow;
    language: string | null;
    expected?: string;
    before?: Omit<PcmRange, 'path'>;
    prompt: string;
    hotwords: string[];
    /**
     * Of a job that is repaired by the sound: what else this may have been is wanted too. `readable`: somebody will say
     * how it reads, so that words that exist are worth a question.
     */
    alternatives?: { glossary: GlossaryEntry[]; readable: boolean };
    partial?: true;
  };
  /**
   * `before`: what was recognized just before, for context only; must not come back in the answer. `alternatives`: what
   * the recognizer says the sound may have been instead; missing: it was not asked.
   */
  repair: {
    text: string;
    words: Word[];
    language: string;
    before: string;
    glossary: GlossaryEntry[];
    alternatives?: readonly Alternative[];
  };
  /** `before`: source and translation of the utterances just before, oldest first. */
  nmt: {
    text: string;
    from: string;
    to: string;
    before: { source: string; target: string }[];
    glossary: GlossaryEntry[];
  };
  /** The worker writes a mono 16-bit WAV to `path`. `voice`: of those that the model has; missing: its own choice. */
  tts: { text: string; language: string; path: string; voice?: string };
  /**
   * `whole`: the answer stands for the recording, else for a part of it; `notes`: the text is what was noted of parts.
   */
  summary: { text: string; language: string; whole: boolean; notes: boolean };
}
export interface StepOutputs {
  asr: AsrOutput;
  repair: RepairOutput;
  nmt: NmtOutput;
  tts: TtsOutput;
  summary: SummaryOutput;
}

export interface Step<S extends Stage> {
  index: number;
  input: StepInputs[S];
}

export interface LoadRequest {
  type: 'load';
  stage: Stage;
  /** Model id, and its files' folder ('' for engines without files). */
  model: string;
  directory: string;
  parameters: Record<string, string | number | boolean>;
  device: WorkDevice;
  precision: string;
  threads: number;
}
/** `threads`: for engines that take any number at any time. */
export type RunRequest = {
  [S in Stage]: { type: 'run'; id: string; stage: S; steps: Step<S>[]; threads?: number };
}[Stage];

export type ToWorker =
  | LoadRequest
  | RunRequest
  | { type: 'cancel'; id: string }
  | { type: 'threads'; id: string; threads: number }
  | { type: 'forget'; path: string }
  | { type: 'unload' };

export type FromWorker =
  | { type: 'hello'; protocol: number; engine: string; pid: number }
  | { type: 'loaded'; detail?: Record<string, unknown> }
  | { type: 'progress'; id: string; fraction: number }
  | { type: 'result'; id: string; index: number; output: StepOutputs[Stage] }
  /** Behind the result of a step of recognition that wanted them. */
  | { type: 'alternatives'; id: string; index: number; alternatives: Alternative[] }
  | { type: 'done'; id: string }
  /**
   * Without an id: loading failed. `code` is one of the closed list; `outOfMemory` makes the pool raise its estimate.
   */
  | {
      type: 'failed';
      id?: string;
      index?: number;
      code: Failure['code'];
      args?: Record<string, string | number>;
      detail: string;
    }
  | { type: 'heartbeat' };
