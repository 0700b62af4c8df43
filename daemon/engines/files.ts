/**
 * Where a worker's program file lies: beside its engine in the source tree, under workers/ in a bundle. The only place
 * that knows both.
 */
import { join } from 'node:path';
import { cudaEnvironment, python } from '../runtimes/python.ts';
import type { WorkerContext } from '../contracts/engine.ts';

const bundled = !import.meta.filename.endsWith('.ts');
const here = import.meta.dirname;

/** The Node program of an engine's worker: `<engine>/worker.ts`, or `workers/<engine>.mjs` in a bundle. */
export const workerFile = (engine: string): string =>
  bundled ? join(here, 'workers', `${engine}.mjs`) : join(here, engine, 'worker.ts');

/**
 * The Python program of an engine's worker: `<engine>/worker.py`, in a bundle under `workers/`. Its modules lie beside
 * it.
 */
export const pythonWorkerFile = (engine: string): string =>
  bundled ? join(here, 'workers', engine, 'worker.py') : join(here, engine, 'worker.py');

/** The Python side of the worker protocol, which runs a Python worker's file. */
export const pythonKitFile = (): string =>
  bundled ? join(here, 'workers', 'earshot_worker.py') : join(here, 'python', 'earshot_worker.py');

/** The process that a recognizer's worker asks what else an utterance may have been. */
export const proposer = ({ runtime }: WorkerContext): string[] => [
  process.execPath,
  bundled ? join(here, 'repair-child.mjs') : join(here, '..', 'repair', 'child.ts'),
  runtime('dictionaries'),
];

/** Program and arguments of a Node worker; it runs on the daemon's own Node. */
export const nodeCommand = (engine: string): { program: string; args: string[]; env: Record<string, string> } => ({
  program: process.execPath,
  args: [workerFile(engine)],
  env: {},
});

/**
 * Program and arguments of a Python worker in the Python runtime. Isolated (-I), so that the user's own Python packages
 * and variables cannot change what an engine does; NumPy's and OpenMP's pools are held to the worker's threads; on a
 * GPU the CUDA libraries that the runtime brought are found.
 */
export function pythonCommand(
  engine: string,
  { runtime, device, threads }: WorkerContext,
): { program: string; args: string[]; env: Record<string, string> } {
  const directory = runtime('python'),
    cores = String(threads);
  return {
    program: python(directory),
    args: ['-I', '-X', 'utf8', pythonKitFile(), pythonWorkerFile(engine), engine],
    env: {
      ...{ OMP_NUM_THREADS: cores, OPENBLAS_NUM_THREADS: cores, MKL_NUM_THREADS: cores },
      ...(device.kind === 'gpu' ? cudaEnvironment(directory) : {}),
    },
  };
}
