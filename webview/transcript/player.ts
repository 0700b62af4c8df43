/** The recording: played, moved about in, and followed by the word that sounds. */
import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { duration } from '../format.ts';
import type { TranscriptShown } from '../messages.ts';
import { t } from '../page.ts';
import { current } from './align.ts';
import { page, state } from './state.ts';
import { draw } from './wave.ts';

const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
/** The word that sounds, and its utterance. */
let lit: HTMLElement | null = null,
  litRow: HTMLElement | null = null;

const player = (): HTMLMediaElement | null => document.querySelector('#player');
export const durationMs = (): number => {
  const d = player()?.duration;
  return d && Number.isFinite(d) ? d * 1000 : (state.shown?.durationMs ?? state.shown?.utterances.at(-1)?.endMs ?? 0);
};
export const positionMs = (): number => (player()?.currentTime ?? 0) * 1000;

export function seek(ms: number, start = false): void {
  const media = player();
  if (!media) return;
  media.currentTime = Math.max(0, ms / 1000);
  if (start) play(media);
  follow();
}

/** The utterance in the middle of the page, the sound at the word, so that the space key plays from there. */
export function goTo(index: number, atMs: number): void {
  page.remember({ at: index });
  page.paintNow();
  const row = document.getElementById(`u${index}`),
    media = player();
  row?.focus();
  row?.scrollIntoView({ block: 'center' });
  if (media && media.readyState === 0) media.addEventListener('loadedmetadata', () => seek(atMs), { once: true });
  else seek(atMs);
}

export function toggle(): void {
  const media = player();
  if (media?.paused) play(media);
  else media?.pause();
}

/** The word that sounds lights up; the page itself is not laid out anew. */
export function follow(): void {
  const ms = positionMs(),
    i = current(state.words, ms + 30),
    word = state.words[i],
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
    if (!player()?.paused && !state.editing && (box.top < pane.top || box.bottom > pane.bottom))
      row.scrollIntoView({ block: 'center', behavior: 'smooth' });
  }
  const clock = document.getElementById('clock');
  if (clock) clock.textContent = `${duration(ms)} / ${duration(durationMs())}`;
  const caption = document.getElementById('caption');
  if (caption) caption.textContent = state.shown?.utterances.find(u => u.startMs <= ms && ms <= u.endMs)?.text ?? '';
  document.querySelector('#wave')?.setAttribute('aria-valuenow', String(Math.round(ms / 1000)));
  paintWave();
}

export function paintWave(): void {
  const canvas = document.querySelector<HTMLCanvasElement>('#wave');
  if (canvas && state.shown)
    draw(canvas, {
      peaks: state.peaks,
      spans: state.shown.utterances,
      durationMs: durationMs(),
      positionMs: positionMs(),
    });
}

/** The promise is rejected where a pause comes before the sound: nothing to say. */
const play = (media: HTMLMediaElement): void => {
  media.play().catch(() => {});
};

let frame = 0;
function animate(): void {
  follow();
  frame = player()?.paused ? 0 : requestAnimationFrame(animate);
}

/** The sound or the picture, and what moves it. */
export function transport(doc: TranscriptShown): TemplateResult {
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
  return html`${media}
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
  }`;
}
