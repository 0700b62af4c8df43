/**
 * Which voices are one: embeddings of pieces of speech gathered into speakers, and speakers known by name found again.
 * Pure.
 */

/** An embedding of length one. */
export type Voice = Float32Array;

export const likeness = (a: Voice, b: Voice): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

function unit(values: Float32Array): Voice {
  const length = Math.hypot(...values) || 1;
  return values.map(value => value / length);
}

function added(a: Float32Array, b: Float32Array, weight = 1): Float32Array {
  for (let i = 0; i < a.length; i++) a[i]! += b[i]! * weight;
  return a;
}

/** The mean of some voices, each as heavy as it is long, of length one. */
export function meanVoice(voices: readonly Voice[], weights: readonly number[]): Voice {
  const mean = new Float32Array(voices[0]?.length ?? 0);
  voices.forEach((voice, n) => added(mean, voice, weights[n]!));
  return unit(mean);
}

export interface Spoken {
  ms: number;
  voice: Voice;
}
export interface Gathering {
  /** How many speakers there are; null: as many as differ. */
  speakers: number | null;
  /** The mean likeness of two groups from which on they are one. */
  threshold: number;
}

/** Who speaks less than this in all is nobody new, unless there are no others. */
const LEAST_MS = 2500;
/** Compared with each other at once: memory and time grow with the square. */
const MOST_AT_ONCE = 1000;

interface Group {
  /** Of the voices of its members: what two groups have in common follows from it exactly. */
  sum: Float32Array;
  members: number[];
  ms: number;
}
interface Join {
  a: number;
  b: number;
  at: number;
}

/**
 * Joins the two likest groups, again and again, by the mean likeness of their members (nearest-neighbour chains). The
 * surest join comes first: joins of mean likeness never come closer again.
 */
function joinsOf(groups: readonly Group[]): Join[] {
  const sizes = groups.map(({ members }) => members.length),
    like = groups.map((a, i) =>
      Float32Array.from(groups, (b, j) => (i === j ? -2 : likeness(a.sum, b.sum) / (sizes[i]! * sizes[j]!))),
    ),
    alive = new Set(groups.keys()),
    joins: Join[] = [];
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
    const [a, b] = [Math.min(top, best), Math.max(top, best)];
    joins.push({ a, b, at: like[a]![b]! });
    for (const other of alive)
      if (other !== a && other !== b)
        like[a]![other] = like[other]![a] =
          (like[a]![other]! * sizes[a]! + like[b]![other]! * sizes[b]!) / (sizes[a]! + sizes[b]!);
    sizes[a]! += sizes[b]!;
    alive.delete(b);
  }
  return joins.sort((x, y) => y.at - x.at);
}

/** So many of the joins leave the speakers that were asked for, each with enough to say. */
function enough(groups: readonly Group[], joins: readonly Join[], speakers: number): number {
  const parts = new Parts(groups);
  let best = -1;
  for (const [n, join] of joins.entries()) {
    if (parts.speaking >= speakers) best = n;
    parts.join(join);
  }
  if (parts.speaking >= speakers) best = joins.length;
  return best >= 0 ? best : Math.max(0, groups.length - speakers);
}

/** Groups while they are joined. */
class Parts {
  readonly #parent: number[];
  readonly #ms: number[];
  /** Those that speak long enough to be somebody. */
  speaking: number;

  constructor(groups: readonly Group[]) {
    this.#parent = groups.map((_, i) => i);
    this.#ms = groups.map(({ ms }) => ms);
    this.speaking = this.#ms.filter(ms => ms >= LEAST_MS).length;
  }
  root(i: number): number {
    while (this.#parent[i] !== i) i = this.#parent[i] = this.#parent[this.#parent[i]!]!;
    return i;
  }
  join({ a, b }: Join): void {
    const [x, y] = [this.root(a), this.root(b)],
      [to, from] = [Math.min(x, y), Math.max(x, y)],
      counted = (ms: number): number => Number(ms >= LEAST_MS);
    const joint = this.#ms[to]! + this.#ms[from]!;
    this.speaking += counted(joint) - counted(this.#ms[to]!) - counted(this.#ms[from]!);
    this.#parent[from] = to;
    this.#ms[to] = joint;
  }
}

function joined(groups: readonly Group[], joins: readonly Join[]): Group[] {
  const parts = new Parts(groups);
  for (const join of joins) parts.join(join);
  return [...Map.groupBy(groups.keys(), i => parts.root(i)).values()].map(indexes => {
    const own = indexes.map(i => groups[i]!);
    return {
      sum: own.reduce<Float32Array>((sum, group) => added(sum, group.sum), new Float32Array(own[0]!.sum.length)),
      members: own.flatMap(group => group.members),
      ms: own.reduce((sum, group) => sum + group.ms, 0),
    };
  });
}

/**
 * The group of each, numbered from 0 by first members. Of hours of speech, what lies near each other in time is joined
 * first, so that memory stays bounded.
 */
export function gather(spoken: readonly Spoken[], { speakers, threshold }: Gathering): number[] {
  let groups: Group[] = spoken.map(({ voice, ms }, i) => ({ sum: voice, members: [i], ms }));
  while (groups.length > MOST_AT_ONCE) {
    const fewer: Group[] = [];
    for (let at = 0; at < groups.length; at += MOST_AT_ONCE) {
      const block = groups.slice(at, at + MOST_AT_ONCE),
        joins = joinsOf(block),
        sure = joins.filter(join => join.at >= threshold);
      // Half of them at least, or it would not end.
      fewer.push(...joined(block, sure.length * 2 >= block.length ? sure : joins.slice(0, block.length >> 1)));
    }
    groups = fewer;
  }
  const joins = joinsOf(groups),
    made = joined(
      groups,
      speakers === null ? joins.filter(({ at }) => at >= threshold) : joins.slice(0, enough(groups, joins, speakers)),
    );
  const numbers = new Array<number>(spoken.length),
    order = made.map(({ members }) => members.toSorted((a, b) => a - b)).sort((a, b) => a[0]! - b[0]!);
  order.forEach((members, n) => members.forEach(member => (numbers[member] = n)));
  return numbers;
}

/** Shorter pieces show too little of a voice to make up a speaker: they go to the nearest one. */
const MIN_VOICE_MS = 900;

/**
 * The speaker of each piece, numbered from 0 in order of appearance; null: nothing to judge by. And each speaker's
 * voice.
 */
export function speakersOf(
  spoken: readonly { ms: number; voice: Voice | null }[],
  gathering: Gathering,
): { speakers: (number | null)[]; voices: Voice[] } {
  const heard = spoken.flatMap(({ ms, voice }, index) => (voice ? [{ ms, voice, index }] : [])),
    longEnough = heard.filter(({ ms }) => ms >= MIN_VOICE_MS),
    base = longEnough.length ? longEnough : heard;
  if (!base.length) return { speakers: spoken.map(() => null), voices: [] };
  const groups = gather(base, gathering),
    own = [...Map.groupBy(base.keys(), n => groups[n]!).values()].map(indexes => indexes.map(n => base[n]!)),
    totals = own.map(each => each.reduce((sum, { ms }) => sum + ms, 0)),
    longest = Math.max(...totals);
  // With a number given, the longest are they.
  const kept = [...own.keys()]
    .filter(group => totals[group]! >= LEAST_MS || totals[group] === longest || gathering.speakers !== null)
    .sort((a, b) => totals[b]! - totals[a]!)
    .slice(0, gathering.speakers ?? Infinity);
  const centres = kept.map(group =>
    meanVoice(
      own[group]!.map(({ voice }) => voice),
      own[group]!.map(({ ms }) => ms),
    ),
  );
  const nearest = (voice: Voice): number =>
    centres.reduce((best, centre, n) => (likeness(voice, centre) > likeness(voice, centres[best]!) ? n : best), 0);
  const placed = new Map(base.map((one, n) => [one.index, kept.indexOf(groups[n]!)])),
    raw = spoken.map(({ voice }, index) => {
      if (!voice) return null;
      const group = placed.get(index) ?? -1;
      return group >= 0 ? group : nearest(voice);
    });
  const order = [...new Set(raw.filter(each => each !== null))];
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
    .flatMap((voice, v) => known.map(one => ({ v, name: one.name, like: likeness(voice, one.voice) })))
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
  const bytes = Buffer.from(text, 'base64');
  return unit(Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)));
}
