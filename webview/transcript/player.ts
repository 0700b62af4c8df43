/** The recording: played, moved about in, looped, and followed by the word that sounds. */
import { current } from '../../text/transcripts/align.ts';
import { duration } from '../format.ts';
import type { UtteranceView } from '../messages.ts';
import { t } from '../page.ts';
import { focusRow, rowOf } from './list.ts';
import { chapterAt, page, state, wordId, wordsOf, type TimedWord } from './state.ts';
import { keepInView, paintWave } from './timeline.ts';

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 3];
/** A word goes on lighting for so long in the pause behind it. */
const LINGER_MS = 400;
/** The word that sounds, and its utterance. */
let lit: HTMLElement | null = null,
  litRow: HTMLElement | null = null;

export const player = (): HTMLMediaElement | null => document.querySelector('#player');
export const durationMs = (): number => {
  const d = player()?.duration;
  return d && Number.isFinite(d) ? d * 1000 : (state.shown?.durationMs ?? state.shown?.utterances.at(-1)?.endMs ?? 0);
};
export const positionMs = (): number => {
  const media = player();
  return media && media.readyState > 0 ? media.currentTime * 1000 : page.remembered.positionMs;
};

/** The text comes along, unless somebody scrolled away from it. */
export function seek(ms: number, start = false): void {
  const media = player(),
    to = Math.max(0, ms);
  page.keep({ positionMs: to });
  if (state.loop && (to < state.loop.startMs || to > state.loop.endMs)) setLoop(null);
  if (!media) return;
  media.currentTime = to / 1000;
  if (start) play(media);
  follow(true);
}

/** The utterance in the middle of the page, the sound at the word, so that the space key plays from there. */
export function goTo(index: number, atMs: number): void {
  const media = player();
  focusRow(index);
  rowOf(index)?.scrollIntoView({ block: 'center' });
  if (media && media.readyState === 0) media.addEventListener('loadedmetadata', () => seek(atMs), { once: true });
  seek(atMs);
}

export function toggle(): void {
  const media = player();
  if (media?.paused) play(media);
  else media?.pause();
}

/** The promise is rejected where a pause comes before the sound: nothing to say. */
const play = (media: HTMLMediaElement): void => {
  media.play().catch(() => {});
};

export function setSpeed(speed: number): void {
  page.remember({ speed });
  const media = player();
  if (media) media.playbackRate = speed;
}
export const faster = (by: 1 | -1): void => {
  const at = SPEEDS.indexOf(page.remembered.speed);
  setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at + by))]!);
};

export function setVolume(volume: number, muted: boolean): void {
  page.remember({ volume, muted });
  const media = player();
  if (media) Object.assign(media, { volume, muted });
}

/** Plays a word or an utterance over and over; null: no more. */
export function setLoop(loop: { startMs: number; endMs: number } | null): void {
  state.loop = loop;
  page.paint();
  const media = player();
  if (!loop || !media) return paintWave();
  if (positionMs() < loop.startMs || positionMs() >= loop.endMs) media.currentTime = loop.startMs / 1000;
  play(media);
  paintWave();
}

export const following = (on: boolean): void => {
  if (page.remembered.follow === on) return;
  page.remember({ follow: on });
  if (on) follow(true);
};

/** Where it is: the utterance, and the word of it; its place in the utterance. */
export function here(ms = positionMs()): { u: UtteranceView; word: TimedWord | null; k: number } | null {
  const all = state.shown?.utterances ?? [],
    u = all[current(all, ms + 30)];
  if (!u) return null;
  const words = wordsOf(u),
    k = current(words, ms + 30);
  return { u, word: words[k] ?? null, k };
}

/** The word that sounds lights up; the page itself is not laid out anew. `moved`: somebody went there. */
export function follow(moved = false): void {
  const ms = positionMs(),
    media = player(),
    playing = media?.paused === false;
  if (playing && state.loop && ms >= state.loop.endMs) media.currentTime = state.loop.startMs / 1000;
  const at = here(ms),
    sounds = at && at.word && ms <= at.word.endMs + LINGER_MS,
    element = sounds ? document.getElementById(wordId(at.u.index, at.k)) : null;
  if (element !== lit) {
    lit?.classList.remove('now');
    element?.classList.add('now');
    lit = element;
  }
  const comes = at !== null && page.remembered.follow && !state.editing && (playing || moved),
    near = at && document.getElementById(`u${at.u.index}`),
    row = near ?? (comes ? rowOf(at.u.index) : null);
  if (row && (row !== litRow || moved || !near)) {
    litRow?.classList.remove('current');
    row.classList.add('current');
    litRow = row;
    const pane = row.closest('.pane')!.getBoundingClientRect(),
      box = row.getBoundingClientRect();
    if (comes && (box.top < pane.top || box.bottom > pane.bottom))
      row.scrollIntoView({ block: 'center', behavior: near ? 'smooth' : 'instant' });
  } else if (row) row.classList.add('current');
  const clock = document.getElementById('clock');
  if (clock) clock.textContent = `${duration(ms)} / ${duration(durationMs())}`;
  const chosen = document.querySelector<HTMLSelectElement>('#chapters'),
    chapter = chosen && chapterAt(ms);
  if (chapter && chosen.value !== String(chapter.index) && document.activeElement !== chosen)
    chosen.value = String(chapter.index);
  const caption = document.getElementById('caption');
  if (caption) caption.textContent = at && ms <= at.u.endMs ? at.u.text : '';
  const slider = document.querySelector('#wave');
  slider?.setAttribute('aria-valuenow', String(Math.round(ms / 1000)));
  slider?.setAttribute('aria-valuetext', spoken(ms));
  page.keep({ positionMs: ms });
  keepInView(ms, durationMs(), playing || moved);
  paintWave();
}

/** A time as one says it. */
export function spoken(ms: number): string {
  const s = Math.round(ms / 1000),
    parts = [
      { n: Math.floor(s / 3600), one: t('one hour'), many: '{0} hours' as const },
      { n: Math.floor(s / 60) % 60, one: t('one minute'), many: '{0} minutes' as const },
    ].flatMap(({ n, one, many }) =>
      n === 0 ? [] : n === 1 ? [one] : [many === '{0} hours' ? t('{0} hours', n) : t('{0} minutes', n)],
    ),
    seconds = s % 60;
  return [...parts, seconds === 1 ? t('one second') : t('{0} seconds', seconds)].join(' ');
}

/** To the next or previous word, and it lights up. */
export function stepWord(by: 1 | -1): void {
  const at = here(),
    all = state.shown?.utterances ?? [];
  if (!at) return seek(all[0]?.startMs ?? 0);
  const words = wordsOf(at.u),
    next = words[at.k + by];
  if (next) return seek(next.startMs);
  const other = all[(state.places.get(at.u.index) ?? 0) + by];
  if (other) seek(by > 0 ? other.startMs : (wordsOf(other).at(-1)?.startMs ?? other.startMs));
}

let frame = 0;
function animate(): void {
  follow();
  frame = player()?.paused ? 0 : requestAnimationFrame(animate);
}

/** What the player's element tells. */
export const onMedia = {
  play: (): void => {
    page.paint();
    if (!frame) animate();
  },
  stop: (): void => {
    page.paint();
    follow();
  },
  seeked: (): void => follow(),
  /** As it was left. */
  loaded: (): void => {
    const media = player(),
      { speed, volume, muted, positionMs: left } = page.remembered;
    if (!media) return;
    state.mute = false;
    Object.assign(media, { playbackRate: speed, volume, muted });
    if (left > 0 && left < durationMs() - 500) media.currentTime = left / 1000;
    if (state.playsOn) play(media);
    state.playsOn = false;
    follow();
    page.paint();
  },
  failed: (): void => {
    state.mute = true;
    page.paint();
  },
};
