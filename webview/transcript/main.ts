/** The transcript editor: hear it, read it, correct it. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import type { SummaryView, ToTranscript, TranscriptShown } from '../messages.ts';
import { t } from '../page.ts';
import { onKey } from './keys.ts';
import { goTo, paintWave, transport } from './player.ts';
import { people } from './speakers.ts';
import { page, state, wordId, wordsOf, type View } from './state.ts';
import { summaryBlock, type SummaryAction } from './summary.ts';
import { findBar, tools } from './tools.ts';
import { utterance } from './utterance.ts';
import { peaksOf } from './wave.ts';

let loadedMedia: string | null = null;

function take(message: ToTranscript): boolean | void {
  switch (message.type) {
    case 'goto':
      return goTo(message.index, message.atMs);
    case 'summary':
      return takeSummary(message.summary);
    case 'document':
      return takeDocument(message);
  }
}

function takeDocument(message: TranscriptShown): void {
  state.shown = message;
  state.words = message.utterances.flatMap(u => wordsOf(u).map((word, i) => ({ ...word, id: wordId(u.index, i) })));
  const { media } = message;
  if (media && media !== loadedMedia) {
    loadedMedia = media;
    void peaksOf(media).then(found => {
      if (media !== loadedMedia) return;
      state.peaks = found;
      paintWave();
    });
  }
  requestAnimationFrame(() => requestAnimationFrame(paintWave));
}

/** Whoever asked for the summary by keyboard stays with it while buttons come and go. */
function takeSummary(next: SummaryView): false {
  const held = document.activeElement?.closest('.summary, .sum-up');
  state.summary = next;
  page.paintNow();
  if (held && document.activeElement === document.body)
    (document.querySelector<HTMLElement>('.summary button') ?? document.querySelector<HTMLElement>('.sum-up'))?.focus();
  return false;
}

const COPIED_MS = 2000;
let copiedTimer: ReturnType<typeof setTimeout> | undefined;
function onSummary(action: SummaryAction): void {
  page.send({ type: 'summary', action });
  if (action !== 'copy') return;
  state.copied = true;
  page.paint();
  clearTimeout(copiedTimer);
  copiedTimer = setTimeout(() => {
    state.copied = false;
    page.paint();
  }, COPIED_MS);
}

function view(): TemplateResult {
  if (!state.shown)
    return html`<div class="wait"><span class="codicon codicon-loading codicon-modifier-spin"></span></div>`;
  if (state.shown.error)
    return html`<section class="empty" role="alert">
      <span class="codicon codicon-json big" aria-hidden="true"></span>
      <p>${state.shown.error}</p>
    </section>`;
  const doc = state.shown,
    mode: View = doc.translatedTo ? page.remembered.view : 'original',
    list = doc.utterances;
  const focus = list.some(u => u.index === page.remembered.at) ? page.remembered.at : list[0]?.index;
  return html`<header>${transport(doc)} ${tools(doc)} ${people(doc)} ${state.finding ? findBar() : nothing}</header>
    <span class="sr" role="status"
      >${state.copied ? t('Copied') : state.summary.making !== null ? t('Summarizing…') : nothing}</span
    >
    <div class="pane">
      ${summaryBlock(state.summary, {
        folded: page.remembered.folded,
        fold: () => page.remember({ folded: !page.remembered.folded }),
        copied: state.copied,
        act: onSummary,
      })}
      <section class="utterances" aria-label=${t('Utterances')}>
        ${
          list.length
            ? repeat(
                list,
                u => u.index,
                (u, i) => {
                  const turn = u.speaker !== null && u.speaker !== (list[i - 1]?.speaker ?? null),
                    active = u.index === focus,
                    last = i === list.length - 1;
                  return guard(
                    [u, mode, active, state.editing?.index === u.index && state.editing.field, last, turn],
                    () => utterance(u, mode, active, last, turn),
                  );
                },
              )
            : html`<p class="none">${t('No speech was found in this recording.')}</p>`
        }
      </section>
    </div>`;
}

addEventListener('keydown', onKey);
new ResizeObserver(paintWave).observe(document.body);
new MutationObserver(paintWave).observe(document.body, { attributes: true, attributeFilter: ['class'] });
page.start(view, take);
page.send({ type: 'ready' });
