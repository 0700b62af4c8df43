/** The transcript editor: hear it, read it, correct it. */
import { html, nothing, type TemplateResult } from 'lit';
import type {
  MediaView,
  PageCommand,
  Place,
  RunView,
  SummaryView,
  ToTranscript,
  TranscriptChange,
  TranscriptShown,
} from '../messages.ts';
import { t } from '../page.ts';
import { onArrival, startEdit } from './editing.ts';
import { findBar, openFind } from './find-bar.ts';
import { light, search } from './find.ts';
import { loopHere, onKey, openSheet, sheet, splitAtSound } from './keys.ts';
import { atEnd, focusRow, forgetHeights, scrollToTop, toEnd, topRow, watchChunks } from './list.ts';
import { following, follow, goTo, player, positionMs, seek } from './player.ts';
import { rows } from './rows.ts';
import { runBar } from './run.ts';
import { people } from './speakers.ts';
import { page, state, utteranceOf, type RunAction, type SummaryAction, type View } from './state.ts';
import { summaryBlock } from './summary.ts';
import { paintWave } from './timeline.ts';
import { showCopied, tools } from './tools.ts';
import { transport } from './transport.ts';
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
    case 'change':
      return takeChange(message);
    case 'media':
      return takeMedia(message);
    case 'command':
      return command(message.command, message.index ?? page.remembered.at);
    case 'run':
      return takeRun(message.run);
    case 'leave':
      return leave();
    case 'arrive':
      return arrive(message.place, message.playing);
  }
}

const located = (): void => {
  state.places = new Map(state.shown?.utterances.map((u, i) => [u.index, i]));
};

function takeMedia({ media, preparing, fraction, failed }: MediaView): void {
  state.copy = { preparing, fraction, failed };
  if (state.shown) state.shown = { ...state.shown, media };
  loadPeaks();
}

function loadPeaks(): void {
  const media = state.shown?.media ?? null;
  if (!media || media === loadedMedia) return;
  loadedMedia = media;
  void peaksOf(media).then(found => {
    if (media !== loadedMedia) return;
    state.peaks = found;
    paintWave();
  });
}

/** What is remembered says whose it is, so that a reload of the window finds the job again. */
function takeRun(run: RunView): void {
  if (state.run?.row.state !== run.row.state) state.asked.clear();
  state.run = run;
  if (page.remembered.job !== run.row.id) page.remember({ job: run.row.id });
}

function askJob(action: RunAction): void {
  state.asked.clear();
  state.asked.add([action]);
  page.send({ type: 'job', action });
}

function leave(): false {
  const { job: _job, ...place } = page.remembered,
    playing = player()?.paused === false;
  page.send({ type: 'left', place: { ...place, positionMs: Math.max(0, positionMs()) }, playing });
  player()?.pause();
  return false;
}

function arrive(place: Place, playing: boolean): false {
  page.remember(place);
  state.playsOn = playing;
  return false;
}

function takeDocument(message: TranscriptShown): void {
  const first = state.shown === null;
  state.shown = message;
  located();
  search();
  loadPeaks();
  const { top } = page.remembered;
  if (first && top) {
    page.paintNow();
    scrollToTop(top);
  }
  requestAnimationFrame(() => requestAnimationFrame(() => follow()));
}

function takeChange({ changed, order, language, translatedTo, speakers }: TranscriptChange): void {
  const { shown } = state;
  if (!shown) return;
  const others = new Map(changed.map(u => [u.index, u])),
    known = order && new Map(shown.utterances.map(u => [u.index, u]));
  const utterances = order
    ? order.flatMap(index => others.get(index) ?? known!.get(index) ?? [])
    : shown.utterances.map(u => others.get(u.index) ?? u);
  // The chips of unchanged rows need no painting where nobody is called otherwise.
  const same = JSON.stringify(speakers) === JSON.stringify(shown.speakers);
  state.shown = { ...shown, language, translatedTo, utterances, speakers: same ? shown.speakers : speakers };
  located();
  if (state.editing && !utteranceOf(state.editing.index)) state.editing = null;
  search();
  const ends = state.run !== null && atEnd();
  page.paintNow();
  onArrival();
  // Whoever reads at the end goes along with the text that comes.
  if (ends && player()?.paused !== false) toEnd();
  follow();
}

function command(name: PageCommand, index: number): void {
  const u = utteranceOf(index);
  if (name === 'find') return openFind(false);
  if (name === 'shortcuts') return openSheet();
  if (!u) return;
  focusRow(index);
  if (name === 'edit') startEdit(index, 'text');
  else if (name === 'comment') startEdit(index, 'comment');
  else if (name === 'play') seek(u.startMs, true);
  else if (name === 'split') splitAtSound(u);
  else {
    seek(u.startMs);
    loopHere(true);
  }
}

/** Whoever asked for the summary by keyboard stays with it while buttons come and go. */
function takeSummary(next: SummaryView): false {
  const held = document.activeElement?.closest('.summary, .sum-up');
  state.summing.clear();
  state.summary = next;
  page.paintNow();
  if (held && document.activeElement === document.body)
    (document.querySelector<HTMLElement>('.summary button') ?? document.querySelector<HTMLElement>('.sum-up'))?.focus();
  return false;
}

function onSummary(action: SummaryAction): void {
  if (state.summing.has(action)) return;
  page.send({ type: 'summary', action });
  if (action === 'copy') showCopied();
  else state.summing.add([action]);
}

/** Somebody scrolls away from where it plays. */
function onAway(): void {
  if (player()?.paused === false) following(false);
}
function onScroll(): void {
  page.keep({ top: topRow() });
}

/** A row in focus, and nothing of it selected: its text. */
addEventListener('copy', event => {
  const row = (document.activeElement as HTMLElement | null)?.closest('.utterance'),
    u = row?.id === document.activeElement?.id && row ? utteranceOf(Number(row.id.slice(1))) : undefined;
  if (!u || String(getSelection()) || !event.clipboardData) return;
  event.clipboardData.setData('text/plain', u.text);
  event.preventDefault();
  showCopied();
});

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
    away = !page.remembered.follow && player()?.paused === false;
  queueMicrotask(() => {
    watchChunks();
    light();
  });
  return html`<header>
      ${state.run ? runBar(state.run, action => state.asked.has(action), askJob) : nothing} ${transport(doc)}
      ${tools(doc)} ${people(doc)} ${findBar()}
    </header>
    <span class="sr" role="status"
      >${state.copied ? t('Copied') : state.summary.making !== null ? t('Summarizing…') : nothing}</span
    >
    <div class="pane" @scroll=${onScroll} @wheel=${onAway} @touchmove=${onAway}>
      ${summaryBlock(state.summary, {
        folded: page.remembered.folded,
        fold: () => page.remember({ folded: !page.remembered.folded }),
        copied: state.copied,
        asked: action => state.summing.has(action),
        act: onSummary,
      })}
      ${rows(mode)}
    </div>
    ${
      away
        ? html`<button type="button" class="return" @click=${() => following(true)}>
            <span class="codicon codicon-target" aria-hidden="true"></span>${t('Back to where it plays')}
          </button>`
        : nothing
    }
    ${sheet()}`;
}

addEventListener('keydown', event => {
  if (/^Page(Up|Down)$/.test(event.key)) onAway();
  onKey(event);
});
addEventListener('resize', forgetHeights);
new ResizeObserver(paintWave).observe(document.body);
new MutationObserver(paintWave).observe(document.body, { attributes: true, attributeFilter: ['class'] });
page.start(view, take);
page.send({ type: 'ready' });
