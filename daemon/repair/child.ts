/**
 * The part of a recognizer's repair that needs dictionaries, in a process of its own: the worker asks what else an
 * utterance may have been, a JSON line each, and is answered in order. It reads nothing but dictionaries.
 *   repair-child DICTIONARIES
 */
import { createInterface } from 'node:readline';
import { questionsAbout, type Heard } from './alternatives.ts';
import { NO_DICTIONARIES, openDictionaries } from './dictionaries.ts';

const folder = process.argv[2],
  dictionaries = folder ? openDictionaries(folder) : NO_DICTIONARIES;
for await (const line of createInterface({ input: process.stdin })) {
  const heard = JSON.parse(line) as Heard;
  process.stdout.write(`${JSON.stringify(questionsAbout(heard, await dictionaries.of(heard.language)))}\n`);
}
