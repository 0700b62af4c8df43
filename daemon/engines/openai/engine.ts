/**
 * Any stage by an OpenAI-compatible server (audio/transcriptions, chat/completions, audio/speech): Ollama,
 * llama-server, vLLM, speaches.
 *
 * Parameters: `url` (base, with or without /v1), `model` (the server's name for it), `key`; for speech `voice` and
 * `speed`.
 */
import { KINDS_OF_WORK } from '../../../schemas/words.ts';
import type { Engine } from '../../contracts/engine.ts';
import { nodeCommand } from '../files.ts';

export const openai: Engine = {
  id: 'openai',
  name: 'OpenAI-compatible server',
  stages: KINDS_OF_WORK,
  devices: ['cpu'],
  licence: 'MIT',
  runtimes: [],
  contextual: ['nmt'],
  maxBatch: {},
  remote: true,
  permissions: 'network',
  command: () => nodeCommand('openai'),
};
