/**
 * The recording as a waveform: peaks drawn on a canvas, played part in another colour; a click or a drag goes there.
 */
const PEAKS = 2000;
/** Larger recordings are not decoded in the page: the stretches of speech are drawn instead. */
const LARGEST_BYTES = 120e6;

/** The loudest sample of each slice, 0 to 1; null where the page cannot read the file. */
export async function peaksOf(url: string): Promise<Float32Array | null> {
  try {
    const answer = await fetch(url);
    if (!answer.ok || Number(answer.headers.get('content-length') ?? 0) > LARGEST_BYTES) return null;
    const audio = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await answer.arrayBuffer());
    const samples = audio.getChannelData(0),
      peaks = new Float32Array(Math.min(PEAKS, samples.length));
    for (let i = 0; i < samples.length; i++) {
      const slot = Math.min(peaks.length - 1, Math.floor((i * peaks.length) / samples.length)),
        loud = Math.abs(samples[i]!);
      if (loud > peaks[slot]!) peaks[slot] = loud;
    }
    const most = peaks.reduce((a, b) => Math.max(a, b), 0.01);
    return peaks.map(p => p / most);
  } catch {
    return null;
  }
}

export interface Drawing {
  peaks: Float32Array | null;
  spans: readonly { startMs: number; endMs: number }[];
  durationMs: number;
  positionMs: number;
}

export function draw(canvas: HTMLCanvasElement, { peaks, spans, durationMs, positionMs }: Drawing): void {
  const width = canvas.clientWidth,
    height = canvas.clientHeight,
    scale = devicePixelRatio,
    context = canvas.getContext('2d');
  if (!context || !width) return;
  if (canvas.width !== Math.round(width * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const style = getComputedStyle(canvas),
    played = style.getPropertyValue('--played'),
    coming = style.getPropertyValue('--coming');
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const at = (positionMs / Math.max(1, durationMs)) * width,
    middle = height / 2;
  const bar = (x: number, w: number, h: number): void => {
    context.fillStyle = x <= at ? played : coming;
    context.fillRect(x, middle - h / 2, w, Math.max(1, h));
  };
  if (peaks)
    for (let x = 0; x < width; x += 3) {
      let loud = 0;
      for (
        let i = Math.floor((x / width) * peaks.length);
        i < Math.ceil(((x + 3) / width) * peaks.length) && i < peaks.length;
        i++
      )
        loud = Math.max(loud, peaks[i]!);
      bar(x, 2, loud * height * 0.9);
    }
  else
    for (const { startMs, endMs } of spans)
      bar((startMs / durationMs) * width, Math.max(2, ((endMs - startMs) / durationMs) * width - 1), height * 0.4);
  context.fillStyle = style.getPropertyValue('--cursor');
  context.fillRect(at, 0, 1.5, height);
}
