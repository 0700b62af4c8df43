/** Where a worker's program file lies: beside its engine in the source tree, under workers/ in a bundle. The only place that knows both. */
import { join } from 'node:path';

const bundled = !import.meta.filename.endsWith('.ts');
const here = import.meta.dirname;

/** The Node program of an engine's worker: `<engine>/worker.ts`, or `workers/<engine>.mjs` in a bundle. */
export const workerFile = (engine: string): string =>
  bundled ? join(here, 'workers', `${engine}.mjs`) : join(here, engine, 'worker.ts');

/** The Python program of an engine's worker: `<engine>/worker.py`, or `workers/<engine>.py` in a bundle. */
export const pythonWorkerFile = (engine: string): string =>
  bundled ? join(here, 'workers', `${engine}.py`) : join(here, engine, 'worker.py');

/** The Python side of the worker protocol, which runs a Python worker's file. */
export const pythonKitFile = (): string =>
  bundled ? join(here, 'workers', 'earshot_worker.py') : join(here, 'python', 'earshot_worker.py');

/** Program and arguments of a Node worker; it runs on the daemon's own Node. */
export const nodeCommand = (engine: string): { program: string; args: string[]; env: Record<string, string> } =>
  ({ program: process.execPath, args: [workerFile(engine)], env: {} });

/**
 * Program and arguments of a Python worker. `runtime`: the environment's folder. Isolated (-I), so that the user's own Python packages and variables
 * cannot change what an engine does.
 */
export const pythonCommand = (engine: string, runtime: string, env: Record<string, string> = {}): { program: string; args: string[]; env: Record<string, string> } => ({
  program: process.platform === 'win32' ? join(runtime, 'Scripts', 'python.exe') : join(runtime, 'bin', 'python'),
  args: ['-I', '-X', 'utf8', pythonKitFile(), pythonWorkerFile(engine), engine], env,
});
