/**
 * Which voices are one: embeddings of utterances gathered into speakers, and speakers known by name found again. Pure.
 */

export type Voice = Float32Array;

export const likeness = (a: Voice, b: Voice): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** The mean of some voices, each as heavy as it is long, of length one. */
export function meanVoice(voices: readonly Voice[], weights: readonly number[]): Voice {
  const mean = new Float32Array(voices[0]?.length ?? 0);
  voices.forEach((voice, n) => {
    for (let i = 0; i < mean.length; i++) mean[i]! += voice[i]! * weights[n]!;
  });
  const length = Math.hypot(...mean) || 1;
  return mean.map(value => value / length);
}

/**
 * `speakers`: how many there are; null: as many as differ by more than `threshold` (mean likeness within a speaker).
 */
export interface Gathering {
  speakers: number | null;
  threshold: number;
}

/**
 * Joins the two likest groups, again and again, by the mean likeness of their members (nearest-neighbour chains: time
 * and memory grow with the square of the count). The answer numbers groups from 0 by their first member.
 */
export function gather(voices: readonly Voice[], { speakers, threshold }: Gathering): number[] {
  const count = voices.length,
    like = Array.from({ length: count }, (_, i) =>
      Float32Array.from({ length: count }, (_x, j) => (i === j ? -2 : likeness(voices[i]!, voices[j]!))),
    );
  const sizes = new Array<number>(count).fill(1),
    alive = new Set(voices.keys()),
    joins: { a: number; b: number; at: number }[] = [];
  let chain: number[] = [];
  while (alive.size > 1) {
    if (!chain.length) chain = [alive.values().next().value!];
    const top = chain.at(-1)!,
      before = chain.at(-2);
    let best = before ?? -1;
    for (const other of alive) if (other !== top && (best < 0 || like[top]![other]! > like[top]![best]!)) best = other;
    if (best !== before) {
      chain.push(best);
      continue;
    }
    chain.length -= 2;
    const [a, b] = [Math.min(top, best), Math.max(top, best)],
      joint = like[a]![b]!;
    joins.push({ a, b, at: joint });
    for (const other of alive)
      if (other !== a && other !== b)
        like[a]![other] = like[other]![a] =
          (like[a]![other]! * sizes[a]! + like[b]![other]! * sizes[b]!) / (sizes[a]! + sizes[b]!);
    sizes[a]! += sizes[b]!;
    alive.delete(b);
  }
  // Joins of mean likeness never come closer again, so the surest may be made first.
  joins.sort((x, y) => y.at - x.at);
  const parent = voices.map((_, i) => i),
    root = (i: number): number => {
      while (parent[i] !== i) i = parent[i] = parent[parent[i]!]!;
      return i;
    };
  let groups = count;
  for (const { a, b, at } of joins) {
    if (speakers === null ? at < threshold : groups <= speakers) break;
    parent[Math.max(root(a), root(b))] = Math.min(root(a), root(b));
    groups -= 1;
  }
  const numbers = new Map<number, number>();
  return voices.map((_, i) => {
    const r = root(i);
    if (!numbers.has(r)) numbers.set(r, numbers.size);
    return numbers.get(r)!;
  });
}

export interface Spoken {
  ms: number;
  voice: Voice | null;
}
/** Shorter utterances show too little of a voice to make up a speaker: they go to the nearest one. */
const MIN_VOICE_MS = 1200;
/** Who speaks less than this in all is nobody new, unless it was said how many there are. */
const LEAST_MS = 2500;

/**
 * The speaker of each utterance, numbered from 0 in order of appearance; null: nothing to judge by. And each speaker's
 * voice.
 */
export function speakersOf(
  spoken: readonly Spoken[],
  gathering: Gathering,
): { speakers: (number | null)[]; voices: Voice[] } {
  const heard = spoken.flatMap(({ ms, voice }, index) => (voice ? [{ ms, voice, index }] : []));
  const longEnough = heard.filter(({ ms }) => ms >= MIN_VOICE_MS),
    base = longEnough.length ? longEnough : heard;
  if (!base.length) return { speakers: spoken.map(() => null), voices: [] };
  const groups = gather(
      base.map(({ voice }) => voice),
      gathering,
    ),
    totals: number[] = [];
  groups.forEach((group, n) => {
    totals[group] = (totals[group] ?? 0) + base[n]!.ms;
  });
  const longest = Math.max(...totals),
    kept = totals
      .map((ms, group) => (gathering.speakers !== null || ms >= LEAST_MS || ms === longest ? group : -1))
      .filter(group => group >= 0);
  const centres = kept.map(group => {
    const own = base.filter((_, n) => groups[n] === group);
    return meanVoice(
      own.map(o => o.voice),
      own.map(o => o.ms),
    );
  });
  const nearest = (voice: Voice): number =>
    centres.reduce((best, centre, n) => (likeness(voice, centre) > likeness(voice, centres[best]!) ? n : best), 0);
  const group = new Map(base.map((one, n) => [one.index, kept.indexOf(groups[n]!)]));
  const raw = spoken.map(({ voice }, index) => {
    if (!voice) return null;
    const own = group.get(index) ?? -1;
    return own >= 0 ? own : nearest(voice);
  });
  const order: number[] = [];
  for (const each of raw) if (each !== null && !order.includes(each)) order.push(each);
  return {
    speakers: raw.map(each => (each === null ? null : order.indexOf(each))),
    voices: order.map(each => centres[each]!),
  };
}

/** Names for voices: each known one goes to the voice that it is likest to, if that is like enough; nobody twice. */
export function named(
  voices: readonly Voice[],
  known: readonly { name: string; voice: Voice }[],
  threshold: number,
): (string | null)[] {
  const pairs = voices
    .flatMap((voice, v) =>
      known
        .filter(one => one.voice.length === voice.length)
        .map(one => ({ v, name: one.name, like: likeness(voice, one.voice) })),
    )
    .filter(({ like }) => like >= threshold)
    .sort((a, b) => b.like - a.like);
  const names: (string | null)[] = voices.map(() => null);
  for (const { v, name } of pairs) if (names[v] === null && !names.includes(name)) names[v] = name;
  return names;
}

/** A voice as text: a byte a figure, which changes likenesses by less than a hundredth. */
export const writeVoice = (voice: Voice): string =>
  Buffer.from(Int8Array.from(voice, value => Math.round(Math.max(-1, Math.min(1, value * 2)) * 127))).toString(
    'base64',
  );
export function readVoice(text: string): Voice {
  const bytes = Buffer.from(text, 'base64'),
    raw = Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  const length = Math.hypot(...raw) || 1;
  return raw.map(value => value / length);
}
