/**
 * Speakers get other names: in the store, and in the files of the job that nobody has changed since they were written.
 */
import { readFile } from 'node:fs/promises';
import { EarshotError } from '../../schemas/errors.ts';
import { FORMATS, isFinal, type Format } from '../../schemas/words.ts';
import { render } from '../../text/transcripts/render.ts';
import { same } from './same.ts';
import { transcriptOf, writeWhole } from './deliver.ts';
import type { JobRow, Store } from '../contracts/store.ts';

type Text = 'original' | 'translation' | 'bilingual';

/** @throws wrongState while the job runs, outputNotWritable */
export async function callSpeakers(
  store: Store,
  row: JobRow,
  names: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  if (!isFinal(row.state)) throw new EarshotError('wrongState', { job: row.id, state: row.state });
  const called = (name: string): string => (Object.hasOwn(names, name) ? names[name]! : name);
  const before = transcriptOf({ row, made: store.utterances(row.id) });
  const voices: Record<string, string> = {};
  // Two that get one name were one: the voice that came first stands for both.
  for (const [name, voice] of Object.entries(row.voices ?? {})) voices[called(name)] ??= voice;
  store.batch(() => {
    store.setSpeakers(
      row.id,
      before.utterances.map(utterance => (utterance.speaker === undefined ? null : called(utterance.speaker))),
    );
    store.update(row.id, { voices });
  });
  const after = transcriptOf({ row: { ...row, voices }, made: store.utterances(row.id) });
  for (const { kind, path } of row.outputs) {
    const [format, text = 'original'] = kind.split(':') as [Format, Text?];
    if (
      !FORMATS.includes(format) ||
      !same(format, await readFile(path, 'utf8').catch(() => ''), render(before, format, { text }))
    )
      continue;
    await writeWhole(path, render(after, format, { text }));
  }
  return voices;
}
