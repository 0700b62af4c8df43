/**
 * Speakers get other names: in the store, and in the files of the job that nobody has changed since they were written.
 * A command on the job (pipeline/commands.ts): no other reads or writes its row or files meanwhile.
 */
import type { Failure } from '../../schemas/errors.ts';
import type { Transcript } from '../../schemas/job.ts';
import type { JobRow, Store } from '../contracts/store.ts';
import { transcriptOf } from './deliver.ts';
import type { Output, Outputs } from './outputs.ts';
import { rewriteAll } from './rewrite.ts';

export interface Renamed {
  voices: Record<string, string>;
  outputs: Output[];
  warnings: Failure[];
}

/** @throws outputNotWritable, diskFull */
export async function renameSpeakers(
  row: JobRow,
  names: Readonly<Record<string, string>>,
  { store, outputs }: { store: Store; outputs: Outputs },
): Promise<Renamed> {
  const { id } = row;
  const nameOf = (name: string): string => (Object.hasOwn(names, name) ? names[name]! : name);
  const before = transcriptOf({ row, made: store.utterances(id) }),
    said = before.utterances;
  const voices: Record<string, string> = {};
  // Two that get one name were one: the voice that came first stands for both.
  for (const [name, voice] of Object.entries(row.voices ?? {})) voices[nameOf(name)] ??= voice;
  const casting =
    row.casting && Object.fromEntries(Object.entries(row.casting).map(([name, voice]) => [nameOf(name), voice]));
  store.batch(() => {
    store.setSpeakers(
      id,
      said.map(({ speaker }) => (speaker === undefined ? null : nameOf(speaker))),
      said.map(({ turns }) => turns?.map(turn => ({ ...turn, speaker: nameOf(turn.speaker) })) ?? null),
    );
    store.update(id, { voices, ...(casting ? { casting } : {}) });
  });
  const after = transcriptOf({ row: { ...row, voices }, made: store.utterances(id) });
  return { voices, ...(await rewriteAll(row, before, after, { store, outputs }, edited => renamedIn(edited, nameOf))) };
}

/** A transcript that somebody corrected in the editor gets the same names. */
function renamedIn(transcript: Transcript, nameOf: (name: string) => string): Transcript {
  const voices: Record<string, string> = {};
  for (const [name, voice] of Object.entries(transcript.speakers ?? {})) voices[nameOf(name)] ??= voice;
  return {
    ...transcript,
    ...(transcript.speakers ? { speakers: voices } : {}),
    utterances: transcript.utterances.map(each => ({
      ...each,
      ...(each.speaker === undefined ? {} : { speaker: nameOf(each.speaker) }),
      ...(each.turns ? { turns: each.turns.map(turn => ({ ...turn, speaker: nameOf(turn.speaker) })) } : {}),
    })),
  };
}
