/** A transcript as plain text for the clipboard. */
import { sourceText, type Transcript } from '../../schemas/job.ts';
import { shownName } from '../ui/words.ts';

const pad = (n: number): string => String(n).padStart(2, '0');
/** 83 000 ms: "1:23". */
export function clock(ms: number): string {
  const s = Math.floor(ms / 1000),
    h = Math.floor(s / 3600);
  return h ? `${h}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}` : `${Math.floor(s / 60)}:${pad(s % 60)}`;
}

/** Utterances as plain text, a line each; the speaker where somebody begins to speak. Null: all of them. */
export function shownText({ utterances }: Transcript, wanted: ReadonlySet<number> | null, times: boolean): string {
  let last: string | undefined;
  return utterances
    .filter(u => wanted === null || wanted.has(u.index))
    .map(u => {
      const name = u.speaker !== undefined && u.speaker !== last ? `${shownName(u.speaker)}: ` : '';
      last = u.speaker;
      return `${times ? `[${clock(u.startMs)}] ` : ''}${name}${sourceText(u)}`;
    })
    .join('\n');
}
