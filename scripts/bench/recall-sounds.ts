/** The sounds of `npm run bench:recall`: one reading at many levels and in many noises, and noises alone. */
const RATE = 16_000;

export interface Sounds {
  voiced: { name: string; samples: Int16Array }[];
  empty: { name: string; seconds: number; samples: Int16Array }[];
  /** What is said in each of `voiced`. */ truth: string;
}

type Sound = Float64Array;
const db = (level: number): number => 10 ** (level / 20);
const rms = (sound: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < sound.length; i++) sum += sound[i]! ** 2;
  return Math.sqrt(sum / Math.max(1, sound.length));
};
function at(sound: Sound, level: number): Sound {
  const gain = db(level) / (rms(sound) || 1);
  return sound.map(sample => sample * gain);
}
const mixed = (...sounds: Sound[]): Sound =>
  Float64Array.from(sounds[0]!, (_, i) => sounds.reduce((sum, sound) => sum + (sound[i] ?? 0), 0));
const toPcm = (sound: Sound): Int16Array =>
  Int16Array.from(sound, sample => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768))));

/** Noise and music are made for so long, and repeated. */
const LOOP_SECONDS = 20;
function over(loop: Int16Array, seconds: number): Int16Array {
  const samples = new Int16Array(Math.round(seconds * RATE));
  for (let at = 0; at < samples.length; at += loop.length) samples.set(loop.subarray(0, samples.length - at), at);
  return samples;
}

/** The same every time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
function white(length: number, seed: number): Sound {
  const next = random(seed);
  return Float64Array.from({ length }, () => next() + next() + next() + next() - 2);
}
function pink(length: number, seed: number): Sound {
  let a = 0,
    b = 0,
    c = 0;
  return white(length, seed).map(w => {
    a = 0.997_65 * a + w * 0.099_046;
    b = 0.963 * b + w * 0.296_516;
    c = 0.57 * c + w * 1.052_691;
    return a + b + c + w * 0.1848;
  });
}
/** What cars and wind make: nothing above some 40 Hz to speak of. */
function rumble(length: number, seed: number): Sound {
  let a = 0,
    b = 0;
  return white(length, seed).map(w => {
    a += 0.01 * (w - a);
    b += 0.01 * (a - b);
    return b;
  });
}
const hum = (length: number, hz: number): Sound =>
  Float64Array.from({ length }, (_, i) =>
    [1, 0.3, 0.2, 0.1].reduce((sum, share, n) => sum + share * Math.sin((2 * Math.PI * hz * (n + 1) * i) / RATE), 0),
  );
/** Chords of plucked strings, drums and a bass: 120 beats a minute. */
function music(length: number, seed: number): Sound {
  const next = random(seed),
    sound = new Float64Array(length),
    scale = [0, 2, 4, 5, 7, 9, 11];
  for (let beat = 0; beat * 0.5 * RATE < length; beat++) {
    const start = Math.floor(beat * 0.5 * RATE),
      notes = [0, 2, 4].map(step => scale[(Math.floor(next() * 7) + step) % 7]!);
    for (const [voice, note] of [...notes, notes[0]! - 24].entries()) {
      const hz = 261.6 * 2 ** (note / 12);
      for (let i = 0; i < RATE && start + i < length; i++)
        for (let over = 1; over <= 5; over++)
          sound[start + i]! +=
            (Math.sin((2 * Math.PI * hz * over * i) / RATE) / over) * Math.exp((-i / RATE) * (2 + voice));
    }
    const drum = beat % 2 ? 0.8 : 1.4;
    for (let i = 0; i < 0.1 * RATE && start + i < length; i++)
      sound[start + i]! += drum * (next() - 0.5) * Math.exp(-i / 300);
  }
  return sound;
}
const clicks = (length: number, seed: number): Sound => {
  const next = random(seed),
    sound = new Float64Array(length);
  for (let at = 0; at < length; at += Math.floor((0.2 + next()) * RATE))
    for (let i = 0; i < 300 && at + i < length; i++) sound[at + i]! = (next() - 0.5) * Math.exp(-i / 40);
  return sound;
};
/** Many voices at once, none of which can be followed. */
function babble(length: number, voices: readonly Int16Array[]): Sound {
  const sound = new Float64Array(length),
    all = voices.reduce((sum, voice) => sum + voice.length, 0),
    joined = new Int16Array(all);
  let end = 0;
  for (const voice of voices) {
    joined.set(voice, end);
    end += voice.length;
  }
  for (let n = 0; n < 12; n++)
    // Backwards: nobody's words.
    for (let i = 0; i < length; i++) sound[i]! += joined[all - 1 - ((i + n * 61_000) % all)]! / 32_768;
  return sound;
}

export function soundsOf(
  spoken: readonly { samples: Int16Array; truth: string }[],
  { speechSeconds, minutes }: { speechSeconds: number; minutes: number },
): Sounds {
  const parts: { sound: Sound; from: number }[] = [],
    said: string[] = [];
  let length = RATE;
  for (const [n, { samples, truth }] of spoken.entries()) {
    if (length > speechSeconds * RATE) break;
    const sound = Float64Array.from(samples, sample => sample / 32_768);
    parts.push({ sound: at(sound, 0), from: length });
    said.push(truth);
    length += samples.length + Math.round((0.5 + (n % 4) * 0.7) * RATE);
  }
  /** `level` of each part, dB. */
  const reading = (level: (part: number) => number): Sound => {
    const sound = new Float64Array(length);
    for (const [n, part] of parts.entries())
      sound.set(
        part.sound.map(sample => sample * db(level(n))),
        part.from,
      );
    return sound;
  };
  const plain = (level: number): Sound => reading(() => level);
  const others = spoken.slice(parts.length).map(({ samples }) => samples),
    room = at(pink(length, 7), -66);
  const voiced: [string, Sound][] = [
    ...[-20, -30, -40, -45, -50, -55, -60].map((level): [string, Sound] => [`speech at ${level} dB`, plain(level)]),
    ['−50 dB, a room at −66 dB', mixed(plain(-50), room)],
    ['−30 dB on an offset of 0.4', plain(-30).map(sample => sample + 0.4)],
    ['−40 dB on a hum of 50 Hz at −20 dB', mixed(plain(-40), at(hum(length, 50), -20))],
    ['−30 dB on a hum of 60 Hz at −20 dB', mixed(plain(-30), at(hum(length, 60), -20))],
    ['−35 dB on a rumble at −15 dB', mixed(plain(-35), at(rumble(length, 3), -15))],
    [
      '−25 dB, babble 12 dB below',
      mixed(plain(-25), at(babble(length, others.length ? others : [spoken[0]!.samples]), -37)),
    ],
    ['−25 dB, noise 10 dB below', mixed(plain(-25), at(pink(length, 5), -35))],
    [
      'every second speaker 20 dB below',
      mixed(
        reading(n => (n % 2 ? -40 : -20)),
        room,
      ),
    ],
    [
      'every second speaker 30 dB below',
      mixed(
        reading(n => (n % 2 ? -50 : -20)),
        at(room, -76),
      ),
    ],
  ];
  const second = minutes * 2; // a thirtieth of it
  const empty: [string, number, (length: number) => Sound][] = [
    ['music', second * 8, n => at(music(n, 11), -20)],
    ['quiet music', second * 4, n => at(music(n, 12), -50)],
    ['white noise', second * 2, n => at(white(n, 13), -30)],
    ['pink noise', second * 2, n => at(pink(n, 14), -25)],
    ['quiet noise', second * 2, n => at(pink(n, 15), -60)],
    ['rumble', second * 2, n => at(rumble(n, 16), -20)],
    ['hum', second * 2, n => at(hum(n, 50), -25)],
    ['hum and noise', second * 2, n => mixed(at(hum(n, 60), -40), at(pink(n, 17), -55))],
    ['clicks', second * 2, n => mixed(at(clicks(n, 18), -35), at(pink(n, 19), -65))],
    ['silence', second * 4, n => new Float64Array(n)],
  ];
  return {
    voiced: voiced.map(([name, sound]) => ({ name: name.replaceAll('-', '−'), samples: toPcm(sound) })),
    empty: empty.map(([name, seconds, make]) => ({
      name,
      seconds,
      samples: over(toPcm(make(LOOP_SECONDS * RATE)), seconds),
    })),
    truth: said.join(' '),
  };
}
