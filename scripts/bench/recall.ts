/**
 * `npm run bench:recall`: what is heard of speech that is quiet, far, noisy, or stands on a hum: the words of Earshot
 * beside those of plain faster-whisper without a voice detector, and the words that Earshot invents where nobody
 * speaks. Writes docs/hearing.md. Some fifteen minutes.
 */
import { spawn, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { python as programOf } from '../../daemon/runtimes/python.ts';
import { ffmpeg, missing, modelFolder, python, sherpa } from '../../test/engines/place.ts';
import { compare, words } from '../../test/engines/words.ts';
import { readPcm, wav } from '../../test/zoo/signal.ts';
import { wrapped } from '../wrap.ts';
import { machine } from './machine.ts';
import { soundsOf } from './recall-sounds.ts';
import { speech } from './speed/speech.ts';

const MODEL = 'whisper-base',
  model = modelFolder(MODEL),
  root = join(import.meta.dirname, '..', '..');
const absent = missing({ ffmpeg, 'the sherpa runtime': sherpa, 'the Python runtime': python, [MODEL]: model });
if (absent) throw new Error(absent);

/** Speech in each kind of sound, and sound without any: minutes; short forms are for trying. */
const form = { speechSeconds: Number(process.argv[2] ?? 45), minutes: Number(process.argv[3] ?? 30) };
const folder = mkdtempSync(join(tmpdir(), 'earshot-recall-'));
try {
  const { short, source } = speech(ffmpeg!, { short: 24, longSeconds: 60, chain: 1 });
  const spoken = short
    .filter(({ truth }) => truth !== null)
    .map(({ path, truth }) => ({ samples: readPcm(path).subarray(22), truth: truth! }));
  const { voiced, empty, truth } = soundsOf(spoken, form);
  const write = (name: string, samples: Int16Array): string => {
    const path = join(folder, `${name}.wav`);
    writeFileSync(path, wav(samples));
    return path;
  };
  const withSpeech = voiced.map(({ name, samples }) => write(name, samples)),
    without = empty.map(({ name, samples }) => write(name, samples));
  const ours = await earshot([...withSpeech, ...without]),
    plain = await fasterWhisper(withSpeech);
  const rows = voiced.map(({ name }, n) => ({
    name,
    ours: figures(truth, ours.get(withSpeech[n]!)!),
    plain: figures(truth, plain.get(withSpeech[n]!) ?? ''),
  }));
  const invented = empty.map(({ name, seconds }, n) => ({ name, seconds, text: ours.get(without[n]!)! }));
  for (const { name, ours, plain } of rows)
    console.log(`${name}: ${percent(ours.recall)} heard (plain ${percent(plain.recall)})`);
  for (const { name, text } of invented) if (text) console.log(`✗ ${name}: ${text}`);
  const mean = (of: 'ours' | 'plain'): number => rows.reduce((sum, row) => sum + row[of].recall, 0) / rows.length,
    made = invented.flatMap(({ text }) => words(text)).length;
  writeFileSync(join(root, 'docs', 'hearing.md'), wrapped(page({ rows, invented, mean, made, source, truth })));
  console.log(`mean: ${percent(mean('ours'))} (plain ${percent(mean('plain'))}), ${made} words invented`);
  process.exitCode = mean('ours') < mean('plain') || made > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Figures {
  recall: number;
  errors: number;
}
function figures(truth: string, heard: string): Figures {
  const { right, rate } = compare(truth, heard);
  return { recall: right.filter(Boolean).length / right.length, errors: rate };
}

/** The texts by path, through a daemon of its own. */
async function earshot(files: readonly string[]): Promise<Map<string, string>> {
  const env = { ...process.env, EARSHOT_STATE: join(folder, 'state'), LANG: 'C.UTF-8' },
    program = join(root, 'bin', 'earshot'),
    to = join(folder, 'texts');
  const args = ['transcribe', '--language', 'en', '--no-repair', '--format', 'json', '--output', to, ...files];
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise(resolve => child.once('close', resolve));
  spawnSync(program, ['daemon', 'stop'], { env, stdio: 'ignore' });
  const texts = new Map<string, string>();
  for (const file of globSync('*.earshot.json', { cwd: to })) {
    const { recording, utterances } = JSON.parse(readFileSync(join(to, file), 'utf8')) as {
      recording: { name: string };
      utterances: { asr?: { text: string } }[];
    };
    texts.set(
      join(folder, recording.name),
      utterances
        .map(({ asr }) => asr?.text ?? '')
        .join(' ')
        .trim(),
    );
  }
  const lost = files.filter(path => !texts.has(path));
  if (lost.length) throw new Error(`no transcript of ${lost.join(', ')}`);
  return texts;
}

async function fasterWhisper(files: readonly string[]): Promise<Map<string, string>> {
  const program = join(import.meta.dirname, 'speed', 'rivals.py'),
    child = spawn(programOf(python!), [program, 'loop', model!, '2', 'en', ...files], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  let lines = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines += text;
  });
  await new Promise(resolve => child.once('close', resolve));
  const texts = new Map<string, string>();
  for (const line of lines.trim().split('\n').filter(Boolean)) {
    const { path, text } = JSON.parse(line) as { path: string; text: string };
    texts.set(path, `${texts.get(path) ?? ''} ${text}`);
  }
  return texts;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function line({ name, ours, plain }: { name: string; ours: Figures; plain: Figures }): string {
  return `| ${[name, ...[ours.recall, plain.recall, ours.errors, plain.errors].map(percent)].join(' | ')} |`;
}

function page(of: {
  rows: readonly { name: string; ours: Figures; plain: Figures }[];
  invented: readonly { name: string; seconds: number; text: string }[];
  mean(of: 'ours' | 'plain'): number;
  made: number;
  source: string;
  truth: string;
}): string {
  const minutes = of.invented.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
  return `# What is heard

Made by \`npm run bench:recall\` on ${machine()}. The same speech (${words(of.truth).length} words) at every level
and in every kind of noise: how much of it is in the transcript, and how much in that of plain faster-whisper without a
voice detector, with the same weights (Whisper base, int8). Levels are those of the speech, dB of full scale. Speech:
${of.source}.

| sound | words heard | plain faster-whisper | word errors | plain faster-whisper |
| --- | ---: | ---: | ---: | ---: |
${of.rows.map(line).join('\n')}
| **all** | ${percent(of.mean('ours'))} | ${percent(of.mean('plain'))} | | |

Where nobody speaks (${minutes.toFixed(0)} minutes), Earshot invents ${of.made} words:

| sound | seconds | invented |
| --- | ---: | --- |
${of.invented.map(({ name, seconds, text }) => `| ${name} | ${seconds.toFixed(0)} | ${text || '–'} |`).join('\n')}
`;
}
