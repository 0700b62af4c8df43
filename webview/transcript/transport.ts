/** The sound or the picture, the waveform, and what moves them. */
import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { duration, percent } from '../format.ts';
import type { TranscriptShown, UtteranceView } from '../messages.ts';
import { t } from '../page.ts';
import {
  durationMs,
  following,
  onMedia,
  player,
  positionMs,
  seek,
  setLoop,
  setSpeed,
  setVolume,
  spoken,
  SPEEDS,
  toggle,
} from './player.ts';
import { page, patch, state, utteranceOf } from './state.ts';
import { isZoomed, pan, shownPart, zoom } from './timeline.ts';

/** An edge moves by so much with an arrow key, ms; with Shift by ten times as much. */
const NUDGE_MS = 50;
/** Edges that are closer to one another than this part of the waveform cannot be told apart. */
const CLOSEST = 0.01;

function media(doc: TranscriptShown): TemplateResult | typeof nothing {
  if (doc.media === null) return nothing;
  const { picture } = page.remembered;
  return guard([doc.media, doc.video, picture], () =>
    doc.video
      ? html`<div class="picture ${picture ? '' : 'folded'}">
          <video
            id="player"
            src=${doc.media}
            preload="metadata"
            @play=${onMedia.play}
            @pause=${onMedia.stop}
            @seeked=${onMedia.seeked}
            @loadedmetadata=${onMedia.loaded}
            @error=${onMedia.failed}
            @click=${toggle}
          ></video>
          <div id="caption"></div>
        </div>`
      : html`<audio
          id="player"
          src=${doc.media}
          preload="metadata"
          @play=${onMedia.play}
          @pause=${onMedia.stop}
          @seeked=${onMedia.seeked}
          @loadedmetadata=${onMedia.loaded}
          @error=${onMedia.failed}
        ></audio>`,
  ) as unknown as TemplateResult;
}

const msAt = (event: MouseEvent, { fromMs, toMs }: { fromMs: number; toMs: number }): number => {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return fromMs + ((event.clientX - box.left) / box.width) * (toMs - fromMs);
};

function onWheel(event: WheelEvent): void {
  const part = shownPart();
  if (!event.ctrlKey && !event.metaKey && !isZoomed()) return;
  event.preventDefault();
  if (event.ctrlKey || event.metaKey) zoom(event.deltaY > 0 ? 1.25 : 0.8, msAt(event, part));
  else pan(((event.deltaX || event.deltaY) / 800) * (part.toMs - part.fromMs));
}

/** Where an utterance begins and ends, on the waveform: dragged, or moved with the arrow keys. */
let dragged: { index: number; startMs: number; endMs: number } | null = null;
function edges(u: UtteranceView): TemplateResult | typeof nothing {
  const { fromMs, toMs } = shownPart(),
    { startMs, endMs } = dragged?.index === u.index ? dragged : u,
    share = (ms: number): number => (ms - fromMs) / (toMs - fromMs);
  if (share(endMs) - share(startMs) < CLOSEST || share(endMs) < 0 || share(startMs) > 1) return nothing;
  const send = (times: { startMs: number; endMs: number }): void => {
    const rounded = { startMs: Math.max(0, Math.round(times.startMs)), endMs: Math.max(0, Math.round(times.endMs)) };
    patch(u.index, rounded);
    page.send({ type: 'times', index: u.index, ...rounded });
    page.paint();
  };
  const edge = (which: 'startMs' | 'endMs', ms: number): TemplateResult | typeof nothing =>
    share(ms) < 0 || share(ms) > 1
      ? nothing
      : html`<div
          class="edge ${which}"
          role="slider"
          tabindex="0"
          .style=${`left:${share(ms) * 100}%`}
          title=${which === 'startMs' ? t('Start of the utterance') : t('End of the utterance')}
          aria-label=${which === 'startMs' ? t('Start of the utterance') : t('End of the utterance')}
          aria-valuemin="0"
          aria-valuemax=${Math.round(durationMs())}
          aria-valuenow=${Math.round(ms)}
          aria-valuetext=${t('{0} s', (ms / 1000).toFixed(2))}
          @keydown=${(e: KeyboardEvent) => {
            const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[e.key];
            if (!by) return;
            e.preventDefault();
            e.stopPropagation();
            send({ startMs, endMs, [which]: ms + by * NUDGE_MS * (e.shiftKey ? 10 : 1) });
          }}
          @pointerdown=${(e: PointerEvent) => {
            (e.currentTarget as HTMLElement).setPointerCapture(e.pointerId);
            (e.currentTarget as HTMLElement).focus();
            dragged = { index: u.index, startMs, endMs };
            e.preventDefault();
          }}
          @pointermove=${(e: PointerEvent) => {
            if (!dragged) return;
            const box = (e.currentTarget as HTMLElement).parentElement!.getBoundingClientRect(),
              to = fromMs + ((e.clientX - box.left) / box.width) * (toMs - fromMs);
            dragged = { ...dragged, [which]: to };
            if (dragged.endMs - dragged.startMs < NUDGE_MS)
              dragged[which] = which === 'startMs' ? dragged.endMs - NUDGE_MS : dragged.startMs + NUDGE_MS;
            page.paint();
          }}
          @pointerup=${() => {
            const moved = dragged;
            dragged = null;
            if (moved && (moved.startMs !== u.startMs || moved.endMs !== u.endMs)) send(moved);
          }}
        ></div>`;
  const from = Math.max(0, share(startMs)),
    to = Math.min(1, share(endMs));
  return html`<div class="span" .style=${`left:${from * 100}%;width:${(to - from) * 100}%`}></div>
    ${edge('startMs', startMs)}${edge('endMs', endMs)}`;
}

function wave(doc: TranscriptShown): TemplateResult {
  const onWave = (e: PointerEvent): void => {
    if (e.buttons === 1) seek(msAt(e, shownPart()));
  };
  const onStrip = (e: PointerEvent): void => {
    if (e.buttons === 1) seek(msAt(e, { fromMs: 0, toMs: durationMs() }));
  };
  const u = utteranceOf(page.remembered.at);
  return html`<div class="waves">
    <div class="wave-box" @wheel=${onWheel}>
      <canvas
        id="wave"
        role="slider"
        tabindex="0"
        aria-label=${t('Position')}
        aria-valuemin="0"
        aria-valuemax=${Math.round(durationMs() / 1000)}
        aria-valuenow=${Math.round(positionMs() / 1000)}
        aria-valuetext=${spoken(positionMs())}
        @pointerdown=${onWave}
        @pointermove=${onWave}
      ></canvas>
      ${u && !state.run ? edges(u) : nothing}
    </div>
    ${
      doc.speakers.length || isZoomed()
        ? html`<canvas id="overview" aria-hidden="true" @pointerdown=${onStrip} @pointermove=${onStrip}></canvas>`
        : nothing
    }
  </div>`;
}

const button = (icon: string, title: string, press: () => void, pressed?: boolean): TemplateResult =>
  html`<button type="button" title=${title} aria-label=${title} aria-pressed=${pressed ?? nothing} @click=${press}>
    <span class="codicon codicon-${icon}" aria-hidden="true"></span>
  </button>`;

/** A copy that plays is being made; or was not, and why. */
function copyOf(): TemplateResult | typeof nothing {
  const { preparing, fraction, failed } = state.copy;
  if (!preparing && failed === null) return nothing;
  return html`<p class="missing copy">
    <span class="codicon codicon-${preparing ? 'loading codicon-modifier-spin' : 'warning'}" aria-hidden="true"></span>
    <span role="status"
      >${
        preparing
          ? fraction === null
            ? t('Making a copy that plays here…')
            : t('Making a copy that plays here… {0}', percent(fraction))
          : failed
      }</span
    >
    <button
      type="button"
      class="text-button"
      @click=${() => page.send({ type: 'media', action: preparing ? 'cancel' : 'retry' })}
    >
      ${preparing ? t('Cancel') : t('Try again')}
    </button>
  </p>`;
}

export function transport(doc: TranscriptShown): TemplateResult {
  const playing = player()?.paused === false,
    { speed, volume, muted, picture, follow } = page.remembered;
  return html`${media(doc)}
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
              title=${t('Play or pause (Space)')}
              @click=${toggle}
            >
              <span class="codicon codicon-${playing ? 'debug-pause' : 'play'}"></span>
            </button>
            ${wave(doc)}
            <span
              id="clock"
              aria-hidden="true"
              .textContent=${`${duration(positionMs())} / ${duration(durationMs())}`}
            ></span>
          </div>
          ${copyOf()}
          ${
            state.mute
              ? html`<p class="missing" role="status">
                  <span class="codicon codicon-warning" aria-hidden="true"></span
                  >${t('This recording cannot be played here.')}
                </p>`
              : nothing
          }
          <div class="controls" role="toolbar" aria-label=${t('Playback')}>
            <label class="speed" title=${t('Speed ([ and ])')}
              ><select
                aria-label=${t('Speed')}
                .value=${String(speed)}
                @change=${(e: Event) => setSpeed(Number((e.target as HTMLSelectElement).value))}
              >
                ${SPEEDS.map(s => html`<option value=${s} ?selected=${s === speed}>${s}×</option>`)}
              </select></label
            >
            ${button(muted ? 'mute' : 'unmute', t('Mute'), () => setVolume(volume, !muted), muted)}
            <input
              type="range"
              class="volume"
              min="0"
              max="1"
              step="0.05"
              aria-label=${t('Volume')}
              title=${t('Volume')}
              .value=${String(muted ? 0 : volume)}
              @input=${(e: Event) => setVolume(Number((e.target as HTMLInputElement).value), false)}
            />
            <span class="divider" aria-hidden="true"></span>
            ${button('zoom-out', t('Zoom out (−)'), () => zoom(2))}
            ${button('zoom-in', t('Zoom in (+)'), () => zoom(0.5))}
            <span class="divider" aria-hidden="true"></span>
            ${button('target', t('The text follows the sound (G)'), () => following(!follow), follow)}
            ${state.loop ? button('sync', t('End the loop (L)'), () => setLoop(null), true) : nothing}
            ${
              doc.video
                ? button(
                    picture ? 'eye' : 'eye-closed',
                    picture ? t('Hide the picture') : t('Show the picture'),
                    () => page.remember({ picture: !picture }),
                    picture,
                  )
                : nothing
            }
          </div>`
  }`;
}
