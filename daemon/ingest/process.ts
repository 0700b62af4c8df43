/** The process that an ingest runs in, and how it starts. */
import { join } from 'node:path';
import { ONE_THREAD } from '../workers/sandbox/linux.ts';
import { environment } from '../workers/environment.ts';
import { startProgram, SYSTEM_FOLDER, type ChildProcess } from '../workers/spawn.ts';

const childFile = (): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'child.ts' : 'ingest-child.mjs');

/** @throws where the daemon has no descriptors left for its pipes */
export const startChild = (node: string): ChildProcess =>
  startProgram(
    {
      program: node,
      args: ['--disable-warning=ExperimentalWarning', childFile()],
      cwd: SYSTEM_FOLDER,
      env: environment('local', ONE_THREAD),
    },
    ['ignore', 'ignore', 'pipe', 'pipe'],
  );
