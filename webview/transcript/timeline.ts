/** What part of the recording the waveform shows, and its painting. */
import { page, state } from './state.ts';
import { draw, drawOverview } from './wave.ts';

/** No part is shorter, ms. */
const SHORTEST_MS = 2000;
let fromMs = 0,
  lengthMs = 0,
  atMs = 0;

/** The part that is shown. */
export function shownPart(): { fromMs: number; toMs: number } {
  const { zoomMs } = page.remembered,
    whole = Math.max(1, lengthMs);
  if (zoomMs === null || zoomMs >= whole) return { fromMs: 0, toMs: whole };
  fromMs = Math.max(0, Math.min(fromMs, whole - zoomMs));
  return { fromMs, toMs: fromMs + zoomMs };
}

export const isZoomed = (): boolean => page.remembered.zoomMs !== null && page.remembered.zoomMs < lengthMs;

/** Closer by a factor (below 1), around a moment that stays where it is. */
export function zoom(factor: number, aroundMs = atMs): void {
  const { fromMs: from, toMs } = shownPart(),
    length = toMs - from,
    next = Math.max(SHORTEST_MS, length * factor);
  page.remember({ zoomMs: next >= lengthMs ? null : next });
  fromMs = aroundMs - ((aroundMs - from) / length) * next;
  paintWave();
}

export function pan(byMs: number): void {
  fromMs = shownPart().fromMs + byMs;
  page.paint();
  paintWave();
}

/** Shows a part around a moment, and the whole of a span. */
export function zoomTo(startMs: number, endMs: number): void {
  const length = Math.max(SHORTEST_MS, (endMs - startMs) * 2);
  fromMs = (startMs + endMs - length) / 2;
  page.remember({ zoomMs: length >= lengthMs ? null : length });
  paintWave();
}

/** `moves`: the part that is shown goes where it plays. */
export function keepInView(positionMs: number, durationMs: number, moves: boolean): void {
  atMs = positionMs;
  lengthMs = durationMs;
  const part = shownPart();
  if (!moves || (positionMs >= part.fromMs && positionMs <= part.toMs)) return;
  fromMs = positionMs - (part.toMs - part.fromMs) / 10;
  page.paint();
}

export function paintWave(): void {
  const { shown, peaks, loop } = state,
    canvas = document.querySelector<HTMLCanvasElement>('#wave'),
    strip = document.querySelector<HTMLCanvasElement>('#overview');
  if (!shown) return;
  const part = shownPart();
  if (canvas) draw(canvas, { peaks, spans: shown.utterances, ...part, positionMs: atMs, loop });
  if (strip)
    drawOverview(strip, {
      spans: shown.utterances.map(({ startMs, endMs, speaker }) => ({
        startMs,
        endMs,
        who: shown.speakers.findIndex(s => s.name === speaker),
      })),
      durationMs: Math.max(1, lengthMs),
      positionMs: atMs,
      ...part,
    });
}
