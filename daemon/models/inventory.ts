/**
 * Which models there are and which of them are installed: the registry's, those that the settings name, and the
 * imported ones. Reads the disk each time; keeps nothing but the registry.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import { isOutdated, lookAt, readStamp, type Stamp } from './folder.ts';
import type { Registry } from './registry.ts';
import { remoteCards } from './remote.ts';

/** Whether it can name a model's folder. */
export const isModelId = (id: string): boolean => /^[a-z0-9][a-z0-9._-]*$/.test(id);

export class Inventory {
  /** The folder of all models. */
  readonly models: string;
  readonly #settings: () => Settings;
  readonly #registered: ReadonlyMap<string, ModelCard>;
  /** Named by somebody, and not whole yet. */
  readonly #wanted = new Map<string, ModelCard>();

  constructor(models: string, registry: Registry, settings: () => Settings) {
    this.models = models;
    this.#settings = settings;
    this.#registered = new Map(registry.models.map(card => [card.id, card]));
  }

  cards(): ModelCard[] {
    return [
      ...this.#registered.values(),
      ...remoteCards(this.#settings()),
      ...this.#unregisteredFolders()
        .map(id => this.#importedCard(id))
        .filter(card => card !== null),
      ...[...this.#wanted.values()].filter(({ id }) => this.#importedCard(id) === null),
    ];
  }

  find(id: string): ModelCard | null {
    return (
      this.#registered.get(id) ??
      remoteCards(this.#settings()).find(card => card.id === id) ??
      (isModelId(id) ? this.#importedCard(id) : null) ??
      this.#wanted.get(id) ??
      null
    );
  }

  /** Throws `unknownModel`. */
  card(id: string): ModelCard {
    const found = this.find(id);
    if (!found) throw new EarshotError('unknownModel', { model: id });
    return found;
  }

  isRegistered(id: string): boolean {
    return this.#registered.has(id);
  }

  /** Imported from this machine, and none of the registry's: no source has it. */
  isOnlyImported(id: string): boolean {
    const card = this.isRegistered(id) ? null : this.#importedCard(id);
    return card !== null && card.files.some(file => file.sources.length === 0);
  }

  /** From now on there is this model too, to be fetched. */
  want(card: ModelCard): void {
    this.#wanted.set(card.id, card);
  }
  /** It is there by itself, or nobody wants it any more. */
  unwant(id: string): void {
    this.#wanted.delete(id);
  }
  /** Fetched from a source that somebody named, and not looked at yet. */
  wanted(id: string): ModelCard | null {
    return this.#importedCard(id) === null ? (this.#wanted.get(id) ?? null) : null;
  }

  /** Where a model's files are, or will be, whether it has any or not. */
  folder(id: string): string {
    return join(this.models, id);
  }

  /** Null when it was never wholly installed. */
  stamp(id: string): Stamp | null {
    return readStamp(this.folder(id));
  }

  /** All files are there, with the right sizes. */
  ready(id: string): boolean {
    const card = this.find(id);
    if (!card) return false;
    if (card.files.length === 0) return true;
    const stamp = this.stamp(id);
    return stamp !== null && lookAt(card, this.folder(id), stamp) === null;
  }

  /** Installed, and the registry has moved on since. */
  outdated(id: string): boolean {
    const card = this.find(id),
      stamp = card && this.stamp(id);
    return Boolean(stamp && !stamp.card && isOutdated(card, stamp));
  }

  #importedCard(id: string): ModelCard | null {
    const card = this.stamp(id)?.card;
    return card ? { ...card, id } : null;
  }

  #unregisteredFolders(): string[] {
    try {
      return readdirSync(this.models).filter(name => !name.startsWith('.') && !this.isRegistered(name));
    } catch {
      return [];
    }
  }
}
