/**
 * The access token of a hub, for models that it gives only to those who asked for them. VS Code keeps it in the
 * system's keychain; the daemon has it in memory.
 */
import * as vscode from 'vscode';
import { EarshotError } from '../../schemas/errors.ts';
import type { Daemon } from '../connection/connection.ts';
import { notify } from '../ui/notify.ts';
import { askSecret } from '../ui/pick.ts';

const KEY = 'earshot.hubTokens';
/** By the origin of the hub. */
type Tokens = Record<string, string>;

export class HubTokens implements vscode.Disposable {
  readonly #secrets: vscode.SecretStorage;
  readonly #daemon: Daemon;
  readonly #connected: vscode.Disposable;

  constructor(secrets: vscode.SecretStorage, daemon: Daemon) {
    this.#secrets = secrets;
    this.#daemon = daemon;
    this.#connected = daemon.onConnection(({ kind }) => {
      if (kind === 'connected') void this.#giveAll();
    });
  }

  /** Runs it; where the hub wants a token, asks for one and runs it once more. @throws what it throws */
  async with<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof EarshotError) || error.failure.code !== 'modelGated') throw error;
      const { repository, url, token } = error.failure.args as { repository: string; url: string; token: number },
        hub = new URL(url).origin;
      const typed = await askSecret({
        title: token
          ? vscode.l10n.t('The hub does not give {0} to the token that it has', repository)
          : vscode.l10n.t('The hub gives {0} only to those who asked for it', repository),
        prompt: vscode.l10n.t(
          'Accept the terms at {0}, then paste an access token. It is kept in the keychain of this system.',
          url,
        ),
      });
      if (!typed) throw error;
      await this.#daemon.call('model/hubToken', { hub, token: typed });
      const result = await run();
      await this.#store({ ...(await this.#stored()), [hub]: typed });
      return result;
    }
  }

  /** Of all hubs, here and in the daemon. */
  async forget(): Promise<void> {
    const hubs = Object.keys(await this.#stored());
    await this.#secrets.delete(KEY);
    for (const hub of hubs) await this.#daemon.call('model/hubToken', { hub, token: null });
    notify.info(
      hubs.length ? vscode.l10n.t('The access token was forgotten.') : vscode.l10n.t('There is no access token.'),
    );
  }

  dispose(): void {
    this.#connected.dispose();
  }

  async #giveAll(): Promise<void> {
    for (const [hub, token] of Object.entries(await this.#stored()))
      await this.#daemon.call('model/hubToken', { hub, token }).catch(() => undefined); // an older daemon
  }

  async #stored(): Promise<Tokens> {
    const text = await this.#secrets.get(KEY);
    return text === undefined ? {} : (JSON.parse(text) as Tokens);
  }

  #store(tokens: Tokens): Thenable<void> {
    return this.#secrets.store(KEY, JSON.stringify(tokens));
  }
}
