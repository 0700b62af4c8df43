/**
 * WAV files whose header states less sound than they hold: the recorder crashed, could not go back, or wrote more than
 * 32 bits can count. ffmpeg believes such a header; the rest would be lost without a word.
 */
import type { FileHandle } from 'node:fs/promises';

/** More chunks than any file has that somebody made on purpose. */
const MOST_CHUNKS = 1000;
const STATED_ELSEWHERE = 0xffff_ffff;

/** Whether sound follows where the header says that it ends. False for what is no WAV. */
export async function statesTooLittle(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  const read = async (at: number, length: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  };
  const head = await read(0, 12);
  if (!/^(RIFF|RF64|BW64)[^]{4}WAVE$/.test(head.toString('latin1'))) return false;
  let end: number | null = null,
    large = 0;
  for (let at = 12, n = 0; at < size && n < MOST_CHUNKS; n++) {
    const chunk = await read(at, 24);
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
