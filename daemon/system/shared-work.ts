/** Work that several callers may ask for at once and that is done once: they share its progress and its end. */
import { EarshotError } from '../../schemas/errors.ts';

export interface SharedWork<P> {
  /**
   * Joins the work under this key, or starts it. A caller's signal takes that caller out; when none is left, the work
   * is aborted.
   */
  run(
    key: string,
    report: (progress: P) => void,
    signal: AbortSignal,
    start: (report: (progress: P) => void, signal: AbortSignal) => Promise<void>,
  ): Promise<void>;
  running(key: string): boolean;
  /** Aborts the work for everyone who waits; resolves when it has cleaned up. */
  cancel(key: string): Promise<void>;
}

export function sharedWork<P>(): SharedWork<P> {
  interface Work {
    listeners: Set<(progress: P) => void>;
    controller: AbortController;
    done: Promise<void>;
  }
  const works = new Map<string, Work>();
  return {
    running: key => works.has(key),
    async cancel(key) {
      const work = works.get(key);
      work?.controller.abort();
      await work?.done.catch(() => {}); // reported to those who wait
    },
    async run(key, report, signal, start) {
      if (signal.aborted) throw new EarshotError('cancelled');
      let work = works.get(key);
      if (work?.controller.signal.aborted) {
        await work.done.catch(() => {}); // it is being cleaned up; begin anew after it
        work = works.get(key);
      }
      if (!work) {
        const listeners: Work['listeners'] = new Set(),
          controller = new AbortController();
        const done = start(progress => {
          for (const listener of listeners) listener(progress);
        }, controller.signal).finally(() => works.delete(key));
        done.catch(() => {}); // reported to those who wait
        works.set(key, (work = { listeners, controller, done }));
      }
      const mine = work,
        listener = (progress: P) => report(progress);
      mine.listeners.add(listener);
      let leave = () => {};
      const left = new Promise<never>((_, reject) => {
        leave = () => {
          mine.listeners.delete(listener);
          if (mine.listeners.size > 0) reject(new EarshotError('cancelled'));
          else mine.controller.abort(); // and wait until it has cleaned up
        };
      });
      signal.addEventListener('abort', leave, { once: true });
      try {
        await Promise.race([mine.done, left]);
      } finally {
        signal.removeEventListener('abort', leave);
        mine.listeners.delete(listener);
      }
    },
  };
}
