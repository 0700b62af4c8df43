/** A tree of what the daemon says, drawn anew at once when that changes, but not more often than somebody can read. */
import * as vscode from 'vscode';
import type { Daemon } from '../connection/connection.ts';
import type { Change } from '../connection/mirror.ts';

/** VS Code holds back what comes within 200 ms of the last drawing, and begins to count anew each time. */
const CALM_MS = 210;

export abstract class DaemonTree<Node> implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  protected readonly daemon: Daemon;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #subscription: vscode.Disposable;
  /** Runs from one drawing until the next may be. */
  #calm: NodeJS.Timeout | null = null;
  #isStale = false;

  /** `concerns`: whether a change shows in this tree. */
  constructor(daemon: Daemon, concerns: (change: Change) => boolean) {
    this.daemon = daemon;
    this.#subscription = daemon.onChange(change => {
      if (concerns(change)) this.#draw();
    });
  }

  #draw(): void {
    if (this.#calm) {
      this.#isStale = true;
      return;
    }
    this.#isStale = false;
    this.#changed.fire(undefined);
    this.#calm = setTimeout(() => {
      this.#calm = null;
      if (this.#isStale) this.#draw();
    }, CALM_MS);
  }

  /** Something that is not the daemon's changed. */
  protected refresh(): void {
    this.#draw();
  }

  dispose(): void {
    if (this.#calm) clearTimeout(this.#calm);
    this.#subscription.dispose();
    this.#changed.dispose();
  }

  abstract getChildren(node?: Node): Promise<Node[]>;
  abstract getTreeItem(node: Node): vscode.TreeItem;
}
