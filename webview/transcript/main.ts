/** The transcript editor: hear it, read it, mend it. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { count, duration, percent } from '../format.ts';
import type {
  FromTranscript,
  SpeakerView,
  SummaryView,
  ToTranscript,
  TranscriptShown,
  UtteranceView,
} from '../messages.ts';
import { Page, t } from '../page.ts';
import { TRANSCRIPT } from '../shapes.ts';
import { align, current, type Timed } from './align.ts';
import { summaryBlock, type SummaryAction } from './summary.ts';
import { draw, peaksOf } from './wave.ts';

type View = 'original' | 'both' | 'translation';
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];

let shown: TranscriptShown | null = null,
  about: SummaryView = { made: null, making: null, canMake: false },
  copied = false,
  peaks: Float32Array | null = null,
  loadedMedia: string | null = null;
let editing: { index: number; field: 'text' | 'translation' } | null = null,
  finding = false,
  lit: HTMLElement | null = null,
  litRow: HTMLElement | null = null;
/** Every word with its time, over the whole recording; rebuilt with the document. */
let words: (Timed & { id: string })[] = [];
const timed = new Map<number, { text: string; words: Timed[] }>();

const page = new Page<
  ToTranscript,
  FromTranscript,
  { at: number; view: View; speed: number; scroll: number; folded: boolean }
>(TRANSCRIPT, view, { at: 0, view: 'both', speed: 1, scroll: 0, folded: false }, message => {
  if (message.type === 'goto') {
    goTo(message.index, message.atMs);
    return;
  }
  if (message.type === 'summary') return takeSummary(message.summary);
  shown = message;
  words = message.utterances.flatMap(u => wordsOf(u).map((word, i) => ({ ...word, id: `w${u.index}-${i}` })));
  if (message.media && message.media !== loadedMedia) {
    loadedMedia = message.media;
    void peaksOf(message.media).then(found => {
      peaks = found;
      paintWave();
    });
  }
  requestAnimationFrame(() => requestAnimationFrame(paintWave));
});
const send = (message: FromTranscript): void => page.send(message);

/** Whoever asked for the summary by keyboard stays with it while buttons come and go. */
function takeSummary(next: SummaryView): false {
  const held = document.activeElement?.closest('.summary, .sum-up');
  about = next;
  page.paintNow();
  if (held && document.activeElement === document.body)
    (document.querySelector<HTMLElement>('.summary button') ?? document.querySelector<HTMLElement>('.sum-up'))?.focus();
  return false;
}

const COPIED_MS = 2000;
let copiedTimer: ReturnType<typeof setTimeout> | undefined;
function onSummary(action: SummaryAction): void {
  send({ type: 'summary', action });
  if (action !== 'copy') return;
  copied = true;
  page.paint();
  clearTimeout(copiedTimer);
  copiedTimer = setTimeout(() => {
    copied = false;
    page.paint();
  }, COPIED_MS);
}

function wordsOf(u: UtteranceView): Timed[] {
  const known = timed.get(u.index);
  if (known?.text === u.text) return known.words;
  const made = align(u.text, u.heard, u.startMs, u.endMs);
  timed.set(u.index, { text: u.text, words: made });
  return made;
}

const player = (): HTMLMediaElement | null => document.querySelector('#player');
const durationMs = (): number => {
  const d = player()?.duration;
  return d && Number.isFinite(d) ? d * 1000 : (shown?.durationMs ?? shown?.utterances.at(-1)?.endMs ?? 0);
};
const positionMs = (): number => (player()?.currentTime ?? 0) * 1000;

function seek(ms: number, play = false): void {
  const media = player();
  if (!media) return;
  media.currentTime = Math.max(0, ms / 1000);
  if (play) void media.play();
  follow();
}

/** The utterance in the middle of the page, the sound at the word, so that the space key plays from there. */
function goTo(index: number, atMs: number): void {
  page.remember({ at: index });
  page.paintNow();
  const row = document.getElementById(`u${index}`),
    media = player();
  row?.focus();
  row?.scrollIntoView({ block: 'center' });
  if (media && media.readyState === 0) media.addEventListener('loadedmetadata', () => seek(atMs), { once: true });
  else seek(atMs);
}

function toggle(): void {
  const media = player();
  if (media?.paused) void media.play();
  else media?.pause();
}

/** The word that sounds lights up; the page itself is not laid out anew. */
function follow(): void {
  const ms = positionMs(),
    i = current(words, ms + 30),
    word = words[i],
    element = word && ms <= word.endMs + 400 ? document.getElementById(word.id) : null;
  if (element !== lit) {
    lit?.classList.remove('now');
    element?.classList.add('now');
    lit = element;
  }
  const row = element?.closest<HTMLElement>('.utterance') ?? null;
  if (row && row !== litRow) {
    litRow?.classList.remove('current');
    row.classList.add('current');
    litRow = row;
    const box = row.getBoundingClientRect(),
      pane = row.closest('.pane')!.getBoundingClientRect();
    if (!player()?.paused && !editing && (box.top < pane.top || box.bottom > pane.bottom))
      row.scrollIntoView({ block: 'center', behavior: 'smooth' });
  }
  const clock = document.getElementById('clock');
  if (clock) clock.textContent = `${duration(ms)} / ${duration(durationMs())}`;
  const caption = document.getElementById('caption');
  if (caption) caption.textContent = shown?.utterances.find(u => u.startMs <= ms && ms <= u.endMs)?.text ?? '';
  document.querySelector('#wave')?.setAttribute('aria-valuenow', String(Math.round(ms / 1000)));
  paintWave();
}

function paintWave(): void {
  const canvas = document.querySelector<HTMLCanvasElement>('#wave');
  if (canvas && shown)
    draw(canvas, { peaks, spans: shown.utterances, durationMs: durationMs(), positionMs: positionMs() });
}

let frame = 0;
function animate(): void {
  follow();
  frame = player()?.paused ? 0 : requestAnimationFrame(animate);
}

function startEdit(index: number, field: 'text' | 'translation'): void {
  editing = { index, field };
  page.paintNow();
  const area = document.querySelector<HTMLTextAreaElement>('textarea');
  area?.focus();
  if (area) fit(area);
}

const fit = (area: HTMLTextAreaElement): void => {
  area.style.height = 'auto';
  area.style.height = `${area.scrollHeight + 2}px`;
};

function endEdit(save: boolean): void {
  const area = document.querySelector<HTMLTextAreaElement>('textarea'),
    was = editing;
  if (!was) return;
  editing = null;
  const u = shown?.utterances.find(one => one.index === was.index),
    value = area?.value.trim() ?? '';
  if (save && u && value !== (was.field === 'text' ? u.text : (u.translation ?? '')))
    send({ type: was.field, index: was.index, text: value });
  page.paintNow();
  document.getElementById(`u${was.index}`)?.focus();
}

function onEditKey(event: KeyboardEvent): void {
  event.stopPropagation();
  if (event.key === 'Escape') {
    event.preventDefault();
    endEdit(false);
  }
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    endEdit(true);
  }
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (
    /^(INPUT|TEXTAREA|SELECT|VSCODE-TEXTFIELD)$/.test(target.tagName) ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    !shown
  )
    return;
  const row = target.closest<HTMLElement>('.utterance'),
    list = shown.utterances,
    i = row ? list.findIndex(u => `u${u.index}` === row.id) : -1,
    u = list[i];
  const go = (k: number): void => {
    const to = list[Math.max(0, Math.min(list.length - 1, k))];
    if (to) {
      page.remember({ at: to.index });
      page.paintNow();
      document.getElementById(`u${to.index}`)?.focus();
    }
  };
  const onButton = target.tagName === 'BUTTON',
    digit = /^Digit(\d)$/.exec(event.code)?.[1] ?? /^\d$/.exec(event.key)?.[0];
  const keys: Record<string, (() => void) | undefined> = {
    ' ': onButton ? undefined : toggle,
    ArrowDown: () => go(i + 1),
    ArrowUp: () => go(i < 0 ? 0 : i - 1),
    Home: () => go(0),
    End: () => go(list.length - 1),
    ArrowLeft: () => seek(positionMs() - 5000),
    ArrowRight: () => seek(positionMs() + 5000),
    f: () => {
      finding = !finding;
      page.paintNow();
      document.querySelector<HTMLElement>('.find vscode-textfield')?.focus();
    },
    ...(u && !onButton
      ? {
          Enter: () => startEdit(u.index, 'text'),
          t: () => {
            if (shown?.translatedTo) startEdit(u.index, 'translation');
          },
          p: () => seek(u.startMs, true),
          m: () => send({ type: 'merge', index: u.index }),
          s: () => send({ type: 'speaker', index: u.index }),
          a: () => send({ type: 'accept', index: u.index }),
          Delete: () => {
            if (u.original !== null) send({ type: 'takeBack', index: u.index, change: null });
          },
        }
      : {}),
  };
  const does = u && !onButton && digit ? () => assign(u, Number(digit), event.shiftKey) : keys[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

/**
 * 1 to 9 say who speaks, 0 that nobody is named; with Shift, for the whole turn. The keys count, wherever a keyboard
 * has its digits.
 */
function assign(u: UtteranceView, digit: number, turn: boolean): void {
  const name = digit === 0 ? null : shown!.speakers[digit - 1]?.name;
  if (name !== undefined && name !== u.speaker) send({ type: 'assign', index: u.index, name, turn });
}

const HUES = 6;
/** The class of a speaker's colour; the seventh begins anew. */
const hue = (name: string | null): string => {
  const n = shown!.speakers.findIndex(each => each.name === name);
  return n < 0 ? '' : `who${n % HUES}`;
};
const shownName = (name: string): string => shown!.speakers.find(each => each.name === name)?.shown ?? name;

/** Who speaks from here on: a click or the key S names, changes or clears. */
const chip = (u: UtteranceView, active: boolean): TemplateResult =>
  html`<button
    type="button"
    class="speaker ${hue(u.speaker)}"
    tabindex=${active ? 0 : -1}
    title=${t('Rename, change or clear the speaker (S)')}
    aria-label=${t('Speaker: {0}', shownName(u.speaker!))}
    @click=${() => send({ type: 'speaker', index: u.index })}
  >
    <span class="dot" aria-hidden="true"></span><span class="name">${shownName(u.speaker!)}</span>
  </button>`;

/** Everybody with their share of the talk and the key that assigns them. */
function people(doc: TranscriptShown): TemplateResult | typeof nothing {
  if (!doc.speakers.length) return nothing;
  const spoken = (name: string): number =>
      doc.utterances.reduce((sum, u) => sum + (u.speaker === name ? u.endMs - u.startMs : 0), 0),
    whole = Math.max(
      1,
      doc.speakers.reduce((sum, { name }) => sum + spoken(name), 0),
    );
  return html`<div class="people" role="group" aria-label=${t('Speakers')}>
    ${doc.speakers.map(
      ({ name, shown: called }: SpeakerView, n) =>
        html` <button
          type="button"
          class="speaker ${hue(name)}"
          title=${n < 9 ? t('Rename {0} everywhere; press {1} to give an utterance to this speaker, Shift+{1} for a whole turn', called, n + 1) : t('Rename {0} everywhere', called)}
          aria-label=${`${called} ${percent(spoken(name) / whole)}: ${t('Rename {0} everywhere', called)}`}
          @click=${() => send({ type: 'speakerEverywhere', name })}
        >
          <span class="dot" aria-hidden="true"></span><span class="name">${called}</span>
          <small>${percent(spoken(name) / whole)}</small>
        </button>`,
    )}
  </div>`;
}

const textOf = (u: UtteranceView): TemplateResult =>
  html`${wordsOf(u).map((word, k) => html`<span id=${`w${u.index}-${k}`}>${word.text}</span>`)}`;

/** A click on a word plays from it. */
function onText(event: MouseEvent): void {
  const id = (event.target as HTMLElement).id,
    word = words.find(w => w.id === id);
  if (word && !String(getSelection())) seek(word.startMs, true);
}

function field(u: UtteranceView, name: 'text' | 'translation'): TemplateResult {
  const value = name === 'text' ? u.text : (u.translation ?? ''),
    label =
      name === 'text'
        ? t('Text of the utterance at {0}', duration(u.startMs))
        : t('Translation of the utterance at {0}', duration(u.startMs));
  if (editing?.index === u.index && editing.field === name)
    return html`<textarea
      dir="auto"
      aria-label=${label}
      .value=${value}
      @keydown=${onEditKey}
      @blur=${() => endEdit(true)}
      @input=${(e: Event) => fit(e.target as HTMLTextAreaElement)}
    ></textarea>`;
  return html`<p
    class=${name}
    dir="auto"
    @dblclick=${() => startEdit(u.index, name)}
    @click=${name === 'text' ? onText : nothing}
  >
    ${u.failed && !value ? html`<em title=${u.failed}>${t('not understood')}</em>` : name === 'text' ? textOf(u) : value}
  </p>`;
}

const repairs = (u: UtteranceView): TemplateResult | typeof nothing =>
  u.original === null || !u.changes.length
    ? nothing
    : html` <ul class="repairs">
        ${u.changes.map(
          (c, i) =>
            html`<li>
              <del>${c.before || '∅'}</del><span class="codicon codicon-arrow-small-right" aria-hidden="true"></span
              ><ins>${c.after || '∅'}</ins>
              <button
                type="button"
                title=${t('Take the original back')}
                aria-label=${`${t('Take the original back')}: ${c.before}`}
                @click=${() => send({ type: 'takeBack', index: u.index, change: i })}
              >
                <span class="codicon codicon-discard"></span>
              </button>
            </li>`,
        )}
        <li>
          <button type="button" class="text-button" @click=${() => send({ type: 'accept', index: u.index })}>
            <span class="codicon codicon-check-all" aria-hidden="true"></span>${t('Keep the repair')}
          </button>
        </li>
      </ul>`;

/** `turn`: somebody begins to speak here; what follows until somebody else does reads as one. */
const utterance = (u: UtteranceView, both: View, active: boolean, last: boolean, turn: boolean): TemplateResult =>
  html` <article
    id=${`u${u.index}`}
    class="utterance ${u.speaker === null ? '' : `spoken ${hue(u.speaker)} ${turn ? 'turn' : 'goes-on'}`}"
    tabindex=${active ? 0 : -1}
    aria-label=${`${u.speaker === null ? '' : `${shownName(u.speaker)}, `}${duration(u.startMs)} ${u.text}`}
    @focus=${() => {
      if (page.remembered.at !== u.index) page.remember({ at: u.index });
    }}
  >
    <button
      type="button"
      class="stamp"
      tabindex="-1"
      aria-label=${t('Play from {0}', duration(u.startMs))}
      @click=${() => seek(u.startMs, true)}
    >
      ${duration(u.startMs)}
    </button>
    <div class="said">
      ${turn ? chip(u, active) : nothing}
      <div class="texts ${both}">
        ${both === 'translation' && u.translation !== null ? nothing : html`<div>${field(u, 'text')}${repairs(u)}</div>`}
        ${both !== 'original' && u.translation !== null ? html`<div class="translated" lang=${shown?.translatedTo ?? nothing}>${field(u, 'translation')}</div>` : nothing}
      </div>
    </div>
    <div class="row-actions">
      ${turn ? nothing : html`<button type="button" tabindex=${active ? 0 : -1} title=${t('Who speaks? (S)')} aria-label=${t('Who speaks?')} @click=${() => send({ type: 'speaker', index: u.index })}><span class="codicon codicon-account"></span></button>`}
      <button
        type="button"
        tabindex=${active ? 0 : -1}
        title=${t('Edit')}
        aria-label=${t('Edit')}
        @click=${() => startEdit(u.index, 'text')}
      >
        <span class="codicon codicon-edit"></span>
      </button>
      ${last ? nothing : html`<button type="button" tabindex=${active ? 0 : -1} title=${t('Merge with the next')} aria-label=${t('Merge with the next')} @click=${() => send({ type: 'merge', index: u.index })}><span class="codicon codicon-fold-down"></span></button>`}
    </div>
  </article>`;

function findBar(): TemplateResult {
  const replace = (): void => {
    const [find, replacement] = [...document.querySelectorAll<HTMLInputElement>('.find vscode-textfield')].map(
      f => f.value,
    );
    if (find) send({ type: 'replace', find, replacement: replacement ?? '' });
  };
  const onEnter = (e: KeyboardEvent): void => {
    if (e.key === 'Enter') replace();
    if (e.key === 'Escape') {
      finding = false;
      page.paint();
    }
  };
  return html`<div class="find" role="group" aria-label=${t('Find')} @keydown=${onEnter}>
    <vscode-textfield
      label=${t('Find')}
      placeholder=${t('Find')}
      .value=${String(getSelection()).trim()}
    ></vscode-textfield
    ><vscode-textfield label=${t('Replace with')} placeholder=${t('Replace with')}></vscode-textfield>
    <vscode-button @click=${replace}>${t('Replace all')}</vscode-button>
  </div>`;
}

function playerBar(doc: TranscriptShown): TemplateResult {
  const on = {
      play: () => {
        page.paint();
        if (!frame) animate();
      },
      stop: () => {
        page.paint();
        follow();
      },
    },
    playing = player()?.paused === false;
  const media = guard([doc.media, doc.video], () =>
    doc.media === null
      ? nothing
      : doc.video
        ? html`<div class="picture">
            <video
              id="player"
              src=${doc.media}
              preload="metadata"
              @play=${on.play}
              @pause=${on.stop}
              @seeked=${follow}
              @loadedmetadata=${follow}
              @click=${toggle}
            ></video>
            <div id="caption"></div>
          </div>`
        : html`<audio
            id="player"
            src=${doc.media}
            preload="metadata"
            @play=${on.play}
            @pause=${on.stop}
            @seeked=${follow}
            @loadedmetadata=${follow}
          ></audio>`,
  );
  const onWave = (e: PointerEvent): void => {
    if (e.buttons) {
      const box = (e.target as HTMLElement).getBoundingClientRect();
      seek(((e.clientX - box.left) / box.width) * durationMs());
    }
  };
  const views: { id: View; name: string }[] = [
    { id: 'original', name: t('Original') },
    { id: 'both', name: t('Both') },
    { id: 'translation', name: t('Translation') },
  ];
  const repaired = doc.utterances.reduce((sum, u) => sum + (u.original === null ? 0 : u.changes.length), 0);
  return html` <header>
    ${media}
    ${
      doc.missing
        ? html`<p class="missing">
            <span class="codicon codicon-warning" aria-hidden="true"></span
            >${t('The recording was not found at {0}: the transcript can be read, but not played.', doc.missing)}
          </p>`
        : html` <div class="transport">
            <button
              type="button"
              class="play"
              aria-label=${t('Play or pause')}
              title=${t('Play or pause')}
              @click=${toggle}
            >
              <span class="codicon codicon-${playing ? 'debug-pause' : 'play'}"></span>
            </button>
            <canvas
              id="wave"
              role="slider"
              tabindex="0"
              aria-label=${t('Position')}
              aria-valuemin="0"
              aria-valuemax=${Math.round(durationMs() / 1000)}
              aria-valuenow="0"
              @pointerdown=${onWave}
              @pointermove=${onWave}
            ></canvas>
            <span id="clock" aria-hidden="true">0:00 / ${duration(durationMs())}</span>
            <button
              type="button"
              class="speed"
              title=${t('Speed')}
              aria-label=${`${t('Speed')}: ${page.remembered.speed}`}
              @click=${() => {
                const next = SPEEDS[(SPEEDS.indexOf(page.remembered.speed) + 1) % SPEEDS.length]!;
                page.remember({ speed: next });
                const m = player();
                if (m) m.playbackRate = next;
              }}
            >
              ${page.remembered.speed}×
            </button>
          </div>`
    }
    <div class="tools">
      <span class="about">${doc.name} · ${t('{0} words', count(words.length))}</span>
      ${doc.translatedTo ? html`<div class="views" role="group" aria-label=${t('Show')}>${views.map(v => html`<button type="button" class="chip" aria-pressed=${page.remembered.view === v.id ? 'true' : 'false'} @click=${() => page.remember({ view: v.id })}>${v.name}</button>`)}</div>` : nothing}
      ${repaired ? html`<button type="button" class="text-button" @click=${() => send({ type: 'accept', index: null })}><span class="codicon codicon-check-all" aria-hidden="true"></span>${t('Accept all repairs')} (${count(repaired)})</button>` : nothing}
      <button
        type="button"
        class="text-button"
        aria-pressed=${finding ? 'true' : 'false'}
        @click=${() => {
          finding = !finding;
          page.paint();
        }}
      >
        <span class="codicon codicon-replace-all" aria-hidden="true"></span>${t('Replace all')}
      </button>
      <button type="button" class="text-button" @click=${() => send({ type: 'export' })}>
        <span class="codicon codicon-export" aria-hidden="true"></span>${t('Export…')}
      </button>
    </div>
    ${people(doc)} ${finding ? findBar() : nothing}
  </header>`;
}

function view(): TemplateResult {
  if (!shown) return html`<div class="wait"><span class="codicon codicon-loading codicon-modifier-spin"></span></div>`;
  if (shown.error)
    return html`<section class="empty" role="alert">
      <span class="codicon codicon-json big" aria-hidden="true"></span>
      <p>${shown.error}</p>
    </section>`;
  const doc = shown,
    mode: View = doc.translatedTo ? page.remembered.view : 'original',
    list = doc.utterances;
  const focus = list.some(u => u.index === page.remembered.at) ? page.remembered.at : list[0]?.index;
  return html`${playerBar(doc)}
    <span class="sr" role="status">${copied ? t('Copied') : about.making !== null ? t('Summarizing…') : nothing}</span>
    <div class="pane">
      ${summaryBlock(about, { folded: page.remembered.folded, fold: () => page.remember({ folded: !page.remembered.folded }), copied, act: onSummary })}
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
                  return guard([u, mode, active, editing?.index === u.index && editing.field, last, turn], () =>
                    utterance(u, mode, active, last, turn),
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
page.paintNow();
send({ type: 'ready' });
