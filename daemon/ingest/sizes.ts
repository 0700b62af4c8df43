/**
 * WAV files whose header states less sound than they hold: the recorder crashed, could not go back, or wrote more than
 * 32 bits can count. ffmpeg believes such a header; the rest would be lost without a word.
 */
import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../../client/small-file.ts';

/** More chunks than any file has that somebody made on purpose. */
const MOST_CHUNKS = 1000;
const STATED_ELSEWHERE = 0xffff_ffff;

/** Whether sound follows where the header says that it ends. False for what is no WAV. */
export async function statesTooLittle(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat(),
    head = await readAt(file, 0, 12);
  if (!/^(RIFF|RF64|BW64)[^]{4}WAVE$/.test(head.toString('latin1'))) return false;
  let end: number | null = null,
    large = 0;
  for (let at = 12, n = 0; at < size && n < MOST_CHUNKS; n++) {
    const chunk = await readAt(file, at, 24);
    // Less than a chunk behind the sound is nothing that anybody hears.
    if (chunk.length < 8) return false;
    const id = chunk.toString('latin1', 0, 4),
      stated = chunk.readUInt32LE(4);
    const known = /^[\x20-\x7e]{4}$/.test(id) && at + 8 + stated <= size + 1;
    if (end !== null) {
      if (!known) return true;
    } else if (id === 'ds64' && chunk.length === 24) large = Number(chunk.readBigUInt64LE(16));
    else if (id === 'data') {
      // ffmpeg itself reads on to the end.
      if (stated === 0 || (stated === STATED_ELSEWHERE && large === 0)) return head.toString('latin1', 0, 4) !== 'RIFF';
      end = at + 8 + (stated === STATED_ELSEWHERE ? large : stated);
      at = end + (end % 2);
      continue;
    } else if (!known) return false;
    at += 8 + stated + (stated % 2);
  }
  return false;
}
