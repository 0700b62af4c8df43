/** The recording as a waveform: peaks drawn on a canvas, what was played in another colour. */

/** Peaks a second: as many as a waveform zoomed to some seconds shows. */
const PER_SECOND = 50;
/** Larger recordings are not decoded in the page: the stretches of speech are drawn instead. */
const LARGEST_BYTES = 120e6;
const RATE = 8000;
/** So many samples are looked at before the page gets to paint. */
const SLICE = 2e6;

export interface Peaks {
  /** The loudest sample of each slice, 0 to 1. */
  loud: Float32Array;
  perSecond: number;
}

/** Null where the page cannot read the file. */
export async function peaksOf(url: string): Promise<Peaks | null> {
  try {
    const answer = await fetch(url);
    if (!answer.ok || Number(answer.headers.get('content-length') ?? 0) > LARGEST_BYTES) return null;
    const audio = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await answer.arrayBuffer());
    const samples = audio.getChannelData(0),
      each = RATE / PER_SECOND,
      loud = new Float32Array(Math.ceil(samples.length / each));
    let most = 0.01;
    for (let begin = 0; begin < samples.length; begin += SLICE) {
      const end = Math.min(samples.length, begin + SLICE);
      for (let i = begin; i < end; i++) {
        const slot = Math.floor(i / each),
          value = Math.abs(samples[i]!);
        if (value > loud[slot]!) loud[slot] = value;
        if (value > most) most = value;
      }
      await new Promise(resolve => setTimeout(resolve));
    }
    return { loud: loud.map(p => p / most), perSecond: PER_SECOND };
  } catch {
    return null;
  }
}

export interface Drawing {
  peaks: Peaks | null;
  spans: readonly { startMs: number; endMs: number }[];
  /** The part of the recording that is drawn, ms. */
  fromMs: number;
  toMs: number;
  positionMs: number;
  loop: { startMs: number; endMs: number } | null;
}

/** A canvas as large as it is shown, cleared; null: it is not shown. */
function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  const { clientWidth: width, clientHeight: height } = canvas,
    context = canvas.getContext('2d');
  if (!context || !width) return null;
  const scale = devicePixelRatio;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export function draw(canvas: HTMLCanvasElement, drawing: Drawing): void {
  const context = contextOf(canvas);
  if (!context) return;
  const { peaks, spans, fromMs, toMs, positionMs, loop } = drawing,
    { clientWidth: width, clientHeight: height } = canvas,
    style = getComputedStyle(canvas),
    played = style.getPropertyValue('--played'),
    coming = style.getPropertyValue('--coming'),
    length = Math.max(1, toMs - fromMs);
  const xOf = (ms: number): number => ((ms - fromMs) / length) * width,
    at = xOf(positionMs),
    middle = height / 2;
  if (loop) {
    context.fillStyle = style.getPropertyValue('--loop');
    context.fillRect(xOf(loop.startMs), 0, Math.max(2, xOf(loop.endMs) - xOf(loop.startMs)), height);
  }
  const bar = (x: number, w: number, h: number): void => {
    context.fillStyle = x <= at ? played : coming;
    context.fillRect(x, middle - h / 2, w, Math.max(1, h));
  };
  if (peaks)
    for (let x = 0; x < width; x += 3) {
      const slot = (px: number): number => ((fromMs + (px / width) * length) / 1000) * peaks.perSecond,
        to = Math.min(peaks.loud.length, Math.ceil(slot(x + 3)));
      let loud = 0;
      for (let i = Math.max(0, Math.floor(slot(x))); i < to; i++) loud = Math.max(loud, peaks.loud[i]!);
      bar(x, 2, loud * height * 0.9);
    }
  else
    for (const { startMs, endMs } of spans)
      if (endMs >= fromMs && startMs <= toMs)
        bar(xOf(startMs), Math.max(2, ((endMs - startMs) / length) * width - 1), height * 0.4);
  context.fillStyle = style.getPropertyValue('--cursor');
  context.fillRect(at, 0, 1.5, height);
}

export interface Overview {
  /** `who`: the colour of a speaker, by its number; -1: nobody. */
  spans: readonly { startMs: number; endMs: number; who: number }[];
  durationMs: number;
  positionMs: number;
  /** What the waveform above shows. */
  fromMs: number;
  toMs: number;
}

/** All of the recording on a narrow strip: who speaks when, where it plays, and which part the waveform shows. */
export function drawOverview(
  canvas: HTMLCanvasElement,
  { spans, durationMs, positionMs, fromMs, toMs }: Overview,
): void {
  const context = contextOf(canvas);
  if (!context) return;
  const { clientWidth: width, clientHeight: height } = canvas,
    style = getComputedStyle(canvas),
    colours = Array.from({ length: 6 }, (_, i) => style.getPropertyValue(`--who${i}`)),
    nobody = style.getPropertyValue('--coming');
  const xOf = (ms: number): number => (ms / Math.max(1, durationMs)) * width;
  for (const { startMs, endMs, who } of spans) {
    context.fillStyle = who < 0 ? nobody : colours[who % colours.length]!;
    context.fillRect(xOf(startMs), 2, Math.max(1, xOf(endMs) - xOf(startMs)), height - 4);
  }
  context.fillStyle = style.getPropertyValue('--cursor');
  context.fillRect(xOf(positionMs), 0, 1.5, height);
  if (fromMs <= 0 && toMs >= durationMs) return;
  context.strokeStyle = style.getPropertyValue('--cursor');
  context.strokeRect(xOf(fromMs) + 0.5, 0.5, Math.max(4, xOf(toMs) - xOf(fromMs)) - 1, height - 1);
}
