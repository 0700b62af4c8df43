/**
 * node-llama-cpp as this engine uses it. The library lies in the llama runtime's folder, not among our dependencies, so
 * it is imported by path and described here by the few calls that we make.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EarshotError } from '../../../schemas/errors.ts';
import type { WorkDevice } from '../../contracts/engine.ts';

/** A token's number, branded as the library brands it. */
export type Token = number & { __token?: never };
export interface ChatItem {
  type: 'system' | 'user';
  text: string;
}
export interface ChatAnswer {
  type: 'model';
  response: string[];
}

export interface ScoredToken {
  next: { logits?: Map<Token, number>; totalLogitWeight?: number };
}
export interface ScoreOptions {
  generateNext: {
    totalLogitWeight?: true;
    logits: { filter: { tokens: Token[]; includeSelected?: true; includeTop?: number } };
  };
}
export interface Sequence {
  readonly nextTokenIndex: number;
  eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void>;
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: Token[]): Promise<void>;
  controlledEvaluate(tokens: (Token | [Token, ScoreOptions])[]): Promise<(ScoredToken | undefined)[]>;
  evaluate(
    tokens: Token[],
    options: { temperature: number; seed: number; grammarEvaluationState?: object; repeatPenalty?: object },
  ): AsyncGenerator<Token, void, void>;
}
export interface Context {
  getSequence(): Sequence;
  dispose(): Promise<void>;
}
export interface Model {
  readonly trainContextSize: number;
  tokenize(text: string, specialTokens?: boolean): Token[];
  detokenize(tokens: readonly Token[], specialTokens?: boolean, lastTokens?: readonly Token[]): string;
  isEogToken(token: Token): boolean;
  iterateAllTokens(): Iterable<Token>;
  readonly tokenizer: unknown;
  createContext(options: {
    contextSize: number;
    sequences: number;
    batchSize: number;
    threads: { ideal: number; min: number };
    flashAttention?: boolean;
  }): Promise<Context>;
  dispose(): Promise<void>;
}
export interface ChatWrapper {
  generateContextState(options: { chatHistory: readonly (ChatItem | ChatAnswer)[] }): {
    contextText: { tokenize(tokenizer: unknown): Token[] };
  };
}
export interface Llama {
  /** Threads that evaluations share from now on. */
  maxThreads: number;
  readonly gpu: string | false;
  loadModel(options: {
    modelPath: string;
    gpuLayers?: number | 'max' | 'auto';
    useMmap?: boolean;
    loadSignal?: AbortSignal;
  }): Promise<Model>;
  createGrammarForJsonSchema(schema: object): Promise<object>;
  /** @param options a grammar in llama.cpp's GBNF */
  createGrammar(options: { grammar: string }): Promise<object>;
  dispose(): Promise<void>;
}
interface Library {
  getLlama(options: {
    build: 'never';
    skipDownload: true;
    gpu: Backend;
    logLevel: 'warn';
    logger(level: string, message: string): void;
    maxThreads: number;
    progressLogs: false;
  }): Promise<Llama>;
  resolveChatWrapper(model: Model): ChatWrapper;
  LlamaGrammarEvaluationState: new (options: { model: Model; grammar: object }) => object;
}

export interface Runtime {
  llama: Llama;
  library: Library;
}

/** What llama.cpp is built for: a graphics card of any kind, Apple's, or none. */
type Backend = 'auto' | 'metal' | false;

/** Apple silicon has no build without Metal: its one works on the processor where no layer is put on the GPU. */
export const backendFor = (
  device: 'cpu' | 'gpu',
  { platform, arch }: { platform: string; arch: string } = process,
): Backend => (device === 'gpu' ? 'auto' : platform === 'darwin' && arch === 'arm64' ? 'metal' : false);

/**
 * Where a model's layers are. In unified memory weights that are mapped from their file and held by the GPU would count
 * as nobody's, so they are read into memory that is the worker's.
 */
export const placeLayers = (device: WorkDevice): { gpuLayers: number | 'max'; useMmap?: false } =>
  device.kind === 'gpu' ? { gpuLayers: 'max' } : device.metal ? { gpuLayers: 'max', useMmap: false } : { gpuLayers: 0 };

/** Imports node-llama-cpp from a runtime folder and starts it for a device. Its log goes to standard error. */
export async function openRuntime(folder: string, device: 'cpu' | 'gpu', threads: number): Promise<Runtime> {
  const entry = join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  let library: Library;
  try {
    library = (await import(pathToFileURL(entry).href)) as Library;
  } catch (error) {
    throw new EarshotError('engineMissing', { engine: 'llama' }, String(error));
  }
  try {
    const llama = await library.getLlama({
      build: 'never',
      skipDownload: true,
      gpu: backendFor(device),
      maxThreads: threads,
      progressLogs: false,
      logLevel: 'warn',
      logger: (level, message) => process.stderr.write(`${level} ${message.trimEnd()}\n`),
    });
    if (device === 'gpu' && !llama.gpu)
      throw new EarshotError('engineMissing', { engine: 'llama' }, 'no build for this GPU is installed');
    return { llama, library };
  } catch (error) {
    if (error instanceof EarshotError) throw error;
    throw new EarshotError('engineMissing', { engine: 'llama' }, String(error));
  }
}

/**
 * Whether this node-llama-cpp gives single tokens' probabilities (3.22 and later); without them repair keeps to the
 * glossary.
 */
export function givesProbabilities(folder: string): boolean {
  const { version } = JSON.parse(
    readFileSync(join(folder, 'node_modules', 'node-llama-cpp', 'package.json'), 'utf8'),
  ) as { version: string };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 3 || (major === 3 && minor >= 22);
}

/** The model's weights in its folder: the first part where there are several. */
export function weightsIn(directory: string): string {
  const names = readdirSync(directory)
    .filter(name => name.endsWith('.gguf'))
    .sort();
  if (!names[0]) throw new EarshotError('modelBroken', { model: directory }, 'no .gguf file in the model folder');
  return join(directory, names[0]);
}

const MEMORY =
  /insufficient memory|not enough memory|out of memory|failed to allocate|too large|bad_alloc|no available vram|vram/i;

/** A failure while loading, in our words. */
export const loadFailure = (error: unknown, model: string): EarshotError => {
  if (error instanceof EarshotError) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return MEMORY.test(text)
    ? new EarshotError('outOfMemory', { model }, text)
    : new EarshotError('modelBroken', { model }, text);
};
