/**
 * Reads the devices at an interval that fits what goes on: closely while memory moves, now and then while nobody looks.
 */
import type { Detail } from './reading.ts';
import type { Pool } from './pool.ts';

export interface MonitorOptions {
  pool: Pick<Pool, 'refresh' | 'leases'>;
  /** The setting monitorIntervalSeconds. */
  idleSeconds: () => number;
  /** Somebody has the devices on a screen. */
  watched: () => boolean;
  /** After each reading of the monitor's own. */
  onRead: () => void;
}

/** ms between readings: a release is waited for, a worker's peak must not be missed, a person watches. */
const RELEASING_MS = 100,
  WORKING_MS = 500,
  WATCHED_MS = 2000;

/** The pause before the next reading, in ms, and how much to read. */
export function pace({
  releasing,
  leased,
  watched,
  idleSeconds,
}: {
  releasing: boolean;
  leased: boolean;
  watched: boolean;
  idleSeconds: number;
}): { ms: number; detail: Detail } {
  if (releasing) return { ms: RELEASING_MS, detail: 'memory' };
  if (leased) return { ms: WORKING_MS, detail: watched ? 'all' : 'memory' };
  return { ms: watched ? WATCHED_MS : idleSeconds * 1000, detail: 'all' };
}

export interface Monitor {
  /** Something changed (a lease, a watcher): look at the interval again. */
  wake(): void;
  dispose(): void;
}

export function startMonitor({ pool, idleSeconds, watched, onRead }: MonitorOptions): Monitor {
  let timer: NodeJS.Timeout | undefined,
    dueAt = 0,
    disposed = false,
    reading = false;
  const plan = (): void => {
    if (disposed || reading) return;
    const leases = pool.leases();
    const { ms, detail } = pace({
      releasing: leases.some(lease => lease.state !== 'active'),
      leased: leases.length > 0,
      watched: watched(),
      idleSeconds: idleSeconds(),
    });
    const at = performance.now() + ms;
    if (timer && dueAt <= at) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => {
      timer = undefined;
      reading = true;
      void pool.refresh(detail).then(() => {
        reading = false;
        try {
          if (!disposed) onRead();
        } finally {
          plan();
        }
      });
    }, ms);
    timer.unref();
  };
  plan();
  return {
    wake: plan,
    dispose() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}
