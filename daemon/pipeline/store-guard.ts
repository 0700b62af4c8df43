/** What happens when the store fails under us. */
import { toFailure } from '../../schemas/errors.ts';
import type { Instance } from '../workers/instance.ts';
import type { Deps } from './deps.ts';

export class StoreGuard {
  private readonly deps: Pick<Deps, 'store' | 'clock' | 'publish' | 'log' | 'storeBroken'>;
  private readonly instances: ReadonlyMap<string, Instance>;
  private readonly loop: { leaving(): boolean; drop(): void; restart(): void; pauseMs(): number };
  private probe: NodeJS.Timeout | null = null;

  /**
   * `drop`: everything that is in memory goes; `restart`: the store knows what there is; `pauseMs`: between tries of
   * the store.
   */
  constructor(deps: StoreGuard['deps'], instances: ReadonlyMap<string, Instance>, loop: StoreGuard['loop']) {
    this.deps = deps;
    this.instances = instances;
    this.loop = loop;
  }

  /** Nothing is taken in until the store works again. */
  get stalled(): boolean {
    return this.probe !== null;
  }

  /**
   * The store could not be written: the disk is full, say. Nothing that is in memory alone is worth more than what is
   * on the disk, so this is handled like a crash: everything in work is dropped, and once the store takes a write again
   * we take up from what it knows.
   */
  fail(error: unknown): void {
    if (this.probe) return;
    const { publish, log } = this.deps;
    log.error(error, 'the store failed');
    if (this.loop.leaving()) return;
    publish({ type: 'notice', failure: toFailure(error) });
    this.loop.drop();
    for (const instance of this.instances.values()) instance.stop('kill');
    if (toFailure(error).code === 'storeBroken') this.deps.storeBroken?.();
    this.probe = setInterval(() => {
      if (this.instances.size) return;
      try {
        this.deps.store.setMeta('stalled', String(this.deps.clock()));
      } catch {
        return;
      }
      clearInterval(this.probe!);
      this.probe = null;
      log.info('the store works again');
      this.loop.restart();
    }, this.loop.pauseMs());
  }

  /** Runs what writes to the store; its failure stalls the pipeline. */
  run(work: () => void): void {
    if (this.probe) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }
}
