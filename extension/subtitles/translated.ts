/** Subtitles with the words of another language. Pure. */
import type { Utterance } from '../../schemas/job.ts';
import { inLines, type Limits } from '../../text/subtitles/check.ts';
import { plain, readCues, spokenCues, vttText, writeCues, type SubtitleFormat } from '../../text/subtitles/convert.ts';
import { parseSubtitles, visible } from '../../text/subtitles/parse.ts';

/** The text with each cue's words in the other language, broken anew; times, numbers, settings and voices stay. */
export function translated(
  text: string,
  format: SubtitleFormat,
  utterances: readonly Utterance[],
  shown: Limits,
): string {
  const said = new Map(
    spokenCues(text, format).map((cue, i) => [`${cue.startMs} ${cue.endMs} ${plain(cue)}`, utterances[i]?.nmt?.text]),
  );
  if (format === 'ass')
    return writeCues(
      readCues(text, 'ass').map(cue => {
        const other = said.get(`${cue.startMs} ${cue.endMs} ${plain(cue)}`);
        return other ? { ...cue, lines: inLines(other, shown) } : cue;
      }),
      'ass',
      '',
    );
  const { cues, lines, bom, eol } = parseSubtitles(text, format),
    out = [...lines];
  for (const cue of [...cues].reverse()) {
    const [own] =
      cue.startMs === null || cue.endMs === null
        ? []
        : readCues(
            `${format === 'vtt' ? 'WEBVTT\n\n' : ''}${lines.slice(cue.firstLine, cue.lastLine + 1).join('\n')}\n`,
            format,
          );
    const other = own && said.get(`${own.startMs} ${own.endMs} ${plain(own)}`);
    if (!other) continue;
    const made = inLines(other, shown).map(line => (format === 'vtt' ? vttText(line) : line)),
      whole = cue.lines.map(line => line.trim()).join('\n');
    const voice = /^<v(?:\.[^\s<>]*)?[ \t][^<>]+>/.exec(whole)?.[0] ?? '',
      italic = /^(?:<v[^<>]*>)?<i>[^]*<\/i>$/.test(whole) && visible(whole.replace(/<\/?i>/g, ''), format) !== '';
    made[0] = `${voice}${italic ? '<i>' : ''}${made[0] ?? ''}`;
    if (italic) made[made.length - 1] += '</i>';
    out.splice(cue.timeLine + 1, cue.lastLine - cue.timeLine, ...made);
  }
  return (bom ? '\ufeff' : '') + out.join(eol);
}
