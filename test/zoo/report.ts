/**
 * `npm run zoo`: visits every exhibit, a few of them with real recognition too, and writes docs/media.md. Some three
 * minutes. `EARSHOT_ZOO_FFMPEG=/path/to/ffmpeg npm run zoo` visits them with that ffmpeg instead, and writes nothing:
 * the results must be the same.
 */
import { spawn, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledFfmpeg } from '../../daemon/runtimes/ffmpeg.ts';
import { ffmpeg, missing, modelFolder, python, SAMPLES, sherpa } from '../engines/place.ts';
import { machine } from '../../scripts/bench/machine.ts';
import { EXHIBITS } from './exhibits.ts';
import { peaksOf, tooMuch, type Peaks } from './memory.ts';
import { openZoo, TOLERANCE_MS, visit, type Visit, type Zoo } from './visit.ts';
import { wrapped } from '../../scripts/wrap.ts';

const absent = missing({ ffmpeg, 'the sherpa runtime': sherpa });
if (absent) throw new Error(absent);
const root = join(import.meta.dirname, '..', '..');
/** What real recognition must hear in these, all in one go through the command line. */
const RECOGNISED = ['phone.amr', 'h264.mp4', 'voice.opus', '录音：第一次.flac', 'cut.ogg', `${'名'.repeat(83)}x.flac`];
const LONGEST = '12 hours.wav';
const SENTENCE = /made amiable himself/i;

const folder = mkdtempSync(join(tmpdir(), 'earshot-zoo-'));
try {
  const other = process.env.EARSHOT_ZOO_FFMPEG;
  const zoo = openZoo(folder, {
    ffmpeg: other ?? ffmpeg!,
    maker: (python && bundledFfmpeg(python)) ?? ffmpeg!,
    sherpa: sherpa!,
    samples: SAMPLES,
  });
  const visits: Visit[] = [];
  for (const exhibit of EXHIBITS) {
    exhibit.make(zoo);
    const seen = await visit(zoo, exhibit);
    visits.push(seen);
    if (seen.wrong.length) console.log(`✗ ${exhibit.name}: ${seen.wrong.join('; ')}`);
  }
  const wrong = visits.filter(each => each.wrong.length).length;
  const peaks = process.platform === 'linux' && !other ? await peaksOf(zoo.at(LONGEST)) : null,
    over = peaks ? tooMuch(peaks) : [];
  if (peaks)
    console.log(
      `${LONGEST}: at most ${peaks.daemon} MiB in the daemon (${peaks.before} before), ${peaks.child} in the ` +
        `ingest's process, ${peaks.ffmpeg} in ffmpeg${over.length ? `\n✗ ${over.join('; ')}` : ''}`,
    );
  console.log(`${visits.length} exhibits, ${wrong} wrong`);
  const recognised = modelFolder('whisper-base') && !other ? await recognise(zoo) : null;
  if (recognised)
    console.log(
      `recognised: ${[...recognised.values()].filter(text => SENTENCE.test(text)).length} of ${recognised.size}`,
    );
  process.exitCode =
    wrong || over.length || [...(recognised?.values() ?? [])].some(text => !SENTENCE.test(text)) ? 1 : 0;
  if (process.exitCode === 0 && !other)
    writeFileSync(join(root, 'docs', 'media.md'), wrapped(markdown(visits, recognised, peaks)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The texts by name, through a daemon of its own. */
async function recognise(zoo: Zoo): Promise<Map<string, string>> {
  const env = { ...process.env, EARSHOT_STATE: join(zoo.folder, 'state'), LANG: 'C.UTF-8' },
    program = join(root, 'bin', 'earshot');
  const texts = join(zoo.folder, 'texts');
  const child = spawn(
    program,
    [
      'transcribe',
      '--language',
      'en',
      '--no-repair',
      '--format',
      'json',
      '--output',
      texts,
      ...RECOGNISED.map(name => zoo.at(name)),
    ],
    { env, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await new Promise(resolve => child.once('close', resolve));
  spawnSync(program, ['daemon', 'stop'], { env, stdio: 'ignore' });
  const found = globSync('*.earshot.json', { cwd: texts }).map(
    file =>
      JSON.parse(readFileSync(join(texts, file), 'utf8')) as {
        recording: { name: string };
        utterances: { asr?: { text: string } }[];
      },
  );
  return new Map(
    RECOGNISED.map(name => [
      name,
      found
        .find(each => each.recording.name === name)
        ?.utterances.map(each => each.asr?.text ?? '')
        .join(' ') ?? '',
    ]),
  );
}

function markdown(
  visits: readonly Visit[],
  recognised: ReadonlyMap<string, string> | null,
  peaks: Peaks | null,
): string {
  const groups = [...new Set(visits.map(({ exhibit }) => exhibit.group))];
  const late = visits
    .flatMap(({ outcome, exhibit }) => ('late' in outcome && !('refused' in exhibit.expect) ? outcome.late : []))
    .filter(each => each !== null);
  const refused = visits.filter(({ outcome }) => 'refused' in outcome).length,
    long = visits.find(({ exhibit }) => exhibit.name === LONGEST)!;
  return `# The media zoo

Made by \`npm run zoo\` on ${machine()}. ${visits.length} files of the kinds found in
the wild, made by ffmpeg from one signal: speech at known places with silence in between. Each goes through the real
ingest; cross-correlation finds the speech in what comes out, and the utterances are compared with it.

- ${visits.length - refused} are transcribed, ${refused} refused, each for its own reason. The largest timing error is
  ${Math.max(...late.map(Math.abs))} ms (${TOLERANCE_MS} ms are allowed).
- What is cut off or damaged is transcribed as far as it goes, and the job says so.
- Twelve hours of silence take ${(long.ms / 1000).toFixed(0)} s and no disk space${
    peaks
      ? `, and at most ${peaks.daemon} MiB of memory in the
  daemon (${peaks.before} before), ${peaks.child} in the ingest process, ${peaks.ffmpeg} in ffmpeg`
      : ''
  }.${
    recognised
      ? `
- ${recognised.size} of them (${[...recognised.keys()].map(name => `\`${short(name)}\``).join(', ')}) also went
  through Whisper: the sentence is in all of the texts.`
      : ''
  }

The tests cover the common ones (\`test/engines/zoo.test.ts\`).

${groups
  .map(
    group => `## ${group}

| file | what it is | outcome | timing error, ms |
| --- | --- | --- | ---: |
${visits
  .filter(({ exhibit }) => exhibit.group === group)
  .map(row)
  .join('\n')}
`,
  )
  .join('\n')}`;
}

function row({ exhibit, outcome }: Visit): string {
  const cells =
    'refused' in outcome
      ? [`refused: \`${outcome.refused}\``, '']
      : [
          `${outcome.utterances.length === 0 ? 'no speech' : 'transcribed'}` +
            `${outcome.warning ? `, \`${outcome.warning}\`` : ''}`,
          'refused' in exhibit.expect || exhibit.expect.parts === 0
            ? ''
            : String(Math.max(...outcome.late.map(each => Math.abs(each ?? 0)))),
        ];
  return `| \`${short(exhibit.name)}\` | ${exhibit.what} | ${cells.join(' | ')} |`;
}

function short(name: string): string {
  const shown = name.replace(/\n/g, '⏎').replace(/\t/g, '⇥').replace(/`/g, '´').replace(/\|/g, '¦');
  return [...shown].length > 40 ? `${[...shown].slice(0, 20).join('')}…${[...shown].slice(-8).join('')}` : shown;
}
