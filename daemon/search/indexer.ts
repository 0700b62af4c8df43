/**
 * Takes what was transcribed into the index, in small pieces while the loop goes on: soon after it was said, and after
 * a start whatever was left.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Store } from '../contracts/store.ts';

/** A piece holds the loop for some milliseconds. */
const PIECE = 100;
/** Steps of this time are taken in together. */
const GATHER_MS = 1_000;

export interface Indexer {
  /** There may be something new. */
  wake(): void;
  /** Resolves when nothing of it runs any more. */
  dispose(): Promise<void>;
}

/** Begins at once. */
export function startIndexer({
  store,
  log,
  gatherMs = GATHER_MS,
}: {
  store: Pick<Store, 'indexSome'>;
  log: Logger;
  gatherMs?: number;
}): Indexer {
  const stop = new AbortController();
  let running: Promise<void> | null = null,
    again = false;
  const run = async (): Promise<void> => {
    do {
      again = false;
      try {
        while (!stop.signal.aborted && store.indexSome(PIECE) > 0) await turn();
      } catch (error) {
        log.error(error, 'search index');
      }
      await sleep(gatherMs, undefined, { signal: stop.signal, ref: false }).catch(() => {});
    } while (again && !stop.signal.aborted);
    running = null;
  };
  const wake = (): void => {
    if (running) again = true;
    else if (!stop.signal.aborted) running = run();
  };
  wake();
  return {
    wake,
    dispose: async () => {
      stop.abort();
      await running;
    },
  };
}
