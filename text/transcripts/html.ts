/** A page to read, to print and to send: one file, without scripts, in light and dark. */
import { escapeUTF8 } from 'entities';
import type { Transcript } from '../../schemas/job.ts';
import { clock, documentOf, type Paragraph, type Shown } from './document.ts';
import type { Passage } from './passages.ts';

const STYLE = `
:root { color-scheme: light dark; --text: #1f2328; --quiet: #59636e; --line: #d1d9e0; --page: #fff; --accent: #0969da }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --quiet: #9198a1; --line: #3d444d; --page: #0d1117; --accent: #4493f8 }
}
body { margin: 0; background: var(--page); color: var(--text); font: 1.05rem/1.65 system-ui, sans-serif }
main { max-width: 44rem; margin: 0 auto; padding: 3rem 1.5rem 4rem }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .4rem; overflow-wrap: anywhere }
.facts, .note { color: var(--quiet); margin: 0 }
.summary { margin: 2rem 0 0; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: .5rem }
.summary h2 { font-size: 1rem; margin: 0 0 .4rem }
.summary p { margin: 0 0 .4rem }
.note { font-size: .85rem }
section { margin-top: 2rem }
section h2 { font-size: 1.15rem; line-height: 1.35; margin: 2.4rem 0 1rem }
.turn { margin: 0 0 1.1rem; display: grid; grid-template-columns: 4.5rem 1fr; column-gap: 1rem }
.plain .turn { display: block }
.turn > a { color: var(--quiet); text-decoration: none; font-variant-numeric: tabular-nums; text-align: end }
.turn > a:hover { color: var(--accent) }
.turn:target { background: color-mix(in srgb, var(--accent) 12%, transparent); border-radius: .3rem }
.turn p { margin: 0; overflow-wrap: anywhere }
.turn b { display: block; font-size: .9rem }
.turn p + p {
  margin-top: .3rem; padding-inline-start: .8rem; border-inline-start: 3px solid var(--line); color: var(--quiet)
}
@media print {
  body { background: none; color: #000 }
  main { max-width: none; padding: 0 }
  .turn { break-inside: avoid }
}
`;

function turn(
  { chapter, startMs, speaker, text, language, translation }: Paragraph,
  n: number,
  times: boolean,
): string {
  const id = `t${n + 1}`,
    time = times ? `<a href="#${id}">${clock(startMs)}</a>` : '',
    heading = chapter === null ? '' : `<h2 dir="auto">${escapeUTF8(chapter)}</h2>`,
    name = speaker === null ? '' : `<b dir="auto">${escapeUTF8(speaker)}</b>`;
  const second = translation
    ? `<p dir="auto" lang="${escapeUTF8(translation.language)}">${escapeUTF8(translation.text)}</p>`
    : '';
  return (
    `${heading}<div class="turn" id="${id}">${time}<div>${name}` +
    `<p dir="auto" lang="${escapeUTF8(language)}">${escapeUTF8(text)}</p>${second}</div></div>`
  );
}

export function toHtml(
  transcript: Transcript,
  passages: readonly Passage[],
  { times = true }: Partial<Shown> = {},
): string {
  const { title, facts, summary, paragraphs } = documentOf(transcript, passages),
    language = escapeUTF8(paragraphs[0]?.language ?? transcript.language ?? 'und');
  return [
    '<!DOCTYPE html>',
    `<html lang="${language}">`,
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    // Nothing of it is fetched or run, whatever was said in the recording.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeUTF8(title)}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1 dir="auto">${escapeUTF8(title)}</h1>`,
    ...(facts ? [`<p class="facts">${escapeUTF8(facts)}</p>`] : []),
    ...(summary
      ? [
          `<div class="summary"><h2>Summary</h2><p dir="auto">${escapeUTF8(summary.text)}</p>` +
            `<p class="note">${escapeUTF8(summary.note)}</p></div>`,
        ]
      : []),
    `<section${times ? '' : ' class="plain"'}>`,
    ...paragraphs.map((paragraph, n) => turn(paragraph, n, times)),
    '</section>',
    '</main>',
    '</body>',
    '</html>\n',
  ].join('\n');
}
