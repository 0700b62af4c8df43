/**
 * A process of the ingest that was started before anybody needs it, its library loaded: the next recording's first
 * words come a quarter of a second sooner. There is one at most; who takes it owns it.
 */
import { endTree, type ChildProcess } from '../workers/spawn.ts';
import { listens, send } from './channel.ts';
import { startChild } from './process.ts';

export class Prewarmed {
  #ready: { child: ChildProcess; node: string; sherpaDirectory: string } | null = null;

  /** Makes one ready unless there is one. */
  keep(node: string, sherpaDirectory: string): void {
    if (this.#ready) return;
    const child = startChild(node),
      gone = (): void => {
        if (this.#ready?.child === child) this.#ready = null;
      };
    this.#ready = { child, node, sherpaDirectory };
    child.once('exit', gone).once('error', gone);
    child.stderr!.resume();
    send(child, { type: 'prepare', sherpaDirectory });
  }

  /** The one that is ready for this; null: there is none. */
  take(node: string, sherpaDirectory: string): ChildProcess | null {
    const ready = this.#ready;
    if (!ready || ready.node !== node || ready.sherpaDirectory !== sherpaDirectory || !listens(ready.child))
      return null;
    this.#ready = null;
    return ready.child;
  }

  /** Ends it; the next `keep` starts another. */
  drop(): void {
    if (this.#ready) endTree(this.#ready.child);
    this.#ready = null;
  }
}
