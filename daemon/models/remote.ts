/** Models without files of ours: those of the user's own server and programs, as cards like any other. */
import { failure, type Failure } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import { KINDS_OF_WORK } from '../../schemas/words.ts';

/** Whether an address leads to this machine alone. */
export function isLoopback(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(host);
}

/** Offline, a server elsewhere is not asked: it would receive what was said. Null: nothing forbids the model. */
export function forbidden(card: ModelCard, { offline }: Pick<Settings, 'offline'>): Failure | null {
  const url = String(card.parameters?.url ?? '');
  return offline && card.engine === 'openai' && !isLoopback(url)
    ? failure('offline', { server: url, model: card.id })
    : null;
}

/** Cards named `server-<stage>` and `command-<name>`. The server's key is not in them: cards travel to clients. */
export function remoteCards(settings: Pick<Settings, 'server' | 'commands'>): ModelCard[] {
  const cards: ModelCard[] = [];
  const plain = { languages: [], licence: '', homepage: '', files: [], memory: {}, precision: {}, size: 0 };
  for (const stage of KINDS_OF_WORK) {
    const model = settings.server?.models[stage];
    if (settings.server && model)
      cards.push({
        ...plain,
        id: `server-${stage}`,
        name: model,
        family: 'server',
        engine: 'openai',
        stages: [stage],
        homepage: settings.server.url,
        parameters: { url: settings.server.url, model },
      });
  }
  for (const [name, command] of Object.entries(settings.commands)) {
    cards.push({
      ...plain,
      id: `command-${name}`,
      name,
      family: 'command',
      engine: 'command',
      stages: [command.stage],
      languages: command.languages,
      parameters: { command: name },
    });
  }
  return cards;
}
