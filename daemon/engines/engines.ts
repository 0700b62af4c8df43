/** Every engine that there is. A new one: a folder with its manifest (engine.ts) and its worker, and a line here. */
import { command } from './command/engine.ts';
import type { Engine } from '../contracts/engine.ts';
import { fake } from './fake/engine.ts';
import { fasterWhisper } from './faster-whisper/engine.ts';
import { kokoro } from './kokoro/engine.ts';
import { llama } from './llama/engine.ts';
import { m2m100 } from './m2m100/engine.ts';
import { openai } from './openai/engine.ts';
import { piper } from './piper/engine.ts';
import { sherpa } from './sherpa/engine.ts';
import { voices } from './voices/engine.ts';

export const engines: readonly Engine[] = [
  fasterWhisper,
  sherpa,
  llama,
  m2m100,
  piper,
  kokoro,
  voices,
  openai,
  command,
];

/** With the one that tests use, which nobody is offered. */
const byId = new Map([...engines, fake].map(engine => [engine.id, engine]));
export const engineFor = (id: string): Engine | undefined => byId.get(id);
