/** The recogniser on real weights and real speech. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fasterWhisper } from '../../daemon/engines/faster-whisper/engine.ts';
import { python as programOf } from '../../daemon/runtimes/python.ts';
import type { StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { AsrOutput } from '../../schemas/job.ts';
import { repairByEar } from '../../daemon/repair/by-ear.ts';
import { dictionaries, ffmpeg, make, missing, modelFolder, python, SAMPLES } from './place.ts';
import { TestWorker } from './worker-harness.ts';
import { compare } from './words.ts';

const RATE = 16_000,
  model = modelFolder('whisper-base');
/** Utterances of the recordings, in seconds, cut in their pauses. */
const CUTS = {
  'sense-and-sensibility': [
    [0, 7.3],
    [7.3, 11],
    [11, 17],
    [17, 23.5],
    [23.5, 27.7],
  ],
  'asterisk-es': [
    [0, 23.3],
    [23.3, 39.6],
    [39.6, 56.8],
    [56.8, 82.9],
  ],
} as const;
type Recording = keyof typeof CUTS;
/** In seconds. */
interface Place {
  from: number;
  to: number;
}
const truth = (name: Recording): string =>
  new RegExp(`\`${name}\\.flac\`.*Truth: "(.*)"$`, 'm').exec(readFileSync(join(SAMPLES, 'README.md'), 'utf8'))![1]!;

describe(
  'faster-whisper',
  { skip: missing({ ffmpeg, 'the Python runtime': python, dictionaries, 'whisper-base': model }), timeout: 400_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-asr-'));
    const pcm = (name: string): string => join(folder, `${name}.pcm`);
    const input = (
      path: string,
      from: number,
      to: number,
      more: Partial<StepInputs['asr']> = {},
    ): StepInputs['asr'] => ({
      audio: { path, startSample: Math.round(from * RATE), endSample: Math.round(to * RATE) },
      language: null,
      prompt: '',
      hotwords: [],
      ...more,
    });
    const cuts = (name: Recording, language: string | null = null): StepInputs['asr'][] =>
      CUTS[name].map(([from, to]) => input(pcm(name), from, to, { language }));
    const sound = (name: string, seconds: number, sample: (n: number) => number): StepInputs['asr'] => {
      const bytes = Buffer.alloc(Math.round(seconds * RATE) * 2);
      for (let n = 0; n < bytes.length / 2; n++)
        bytes.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(32767 * sample(n)))), n * 2);
      writeFileSync(pcm(name), bytes);
      return input(pcm(name), 0, seconds);
    };
    let worker: TestWorker;
    const hear = async (inputs: readonly StepInputs['asr'][]): Promise<AsrOutput[]> => {
      const outputs: AsrOutput[] = [];
      for (const one of inputs) outputs.push((await worker.run<'asr'>([one]))[0]!);
      return outputs;
    };
    before(async () => {
      for (const name of Object.keys(CUTS))
        make(['-i', join(SAMPLES, `${name}.flac`), '-ac', '1', '-ar', String(RATE), '-f', 's16le', pcm(name)]);
      worker = new TestWorker({
        engine: fasterWhisper,
        stage: 'asr',
        directory: model!,
        precision: 'int8',
        threads: 2,
        runtimes: { python: python!, dictionaries: dictionaries! },
      });
      await worker.loaded;
    });
    after(async () => {
      await worker[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    it('hears the English recording, in one language, alone and in batches alike', async () => {
      const alone = await hear(cuts('sense-and-sensibility')),
        heard = alone.map(output => output.text).join(' ');
      const { rate } = compare(truth('sense-and-sensibility'), heard);
      console.log(`English: WER ${(rate * 100).toFixed(1)} %`);
      assert.ok(rate <= 0.05, heard);
      assert.ok(alone.every(output => output.language === 'en' && output.languageProbability > 0.9));
      const together = await worker.run<'asr'>(cuts('sense-and-sensibility'));
      assert.deepEqual(
        together.map(output => output.text),
        alone.map(output => output.text),
      );
      const again = await hear(cuts('sense-and-sensibility').slice(0, 2));
      assert.deepEqual(again, alone.slice(0, 2), 'the same sound, the same answer');
    });

    it('hears the beginning of what is still being said, and the whole is the same after it', async () => {
      const [from] = CUTS['sense-and-sensibility'][0],
        whole = cuts('sense-and-sensibility')[0]!,
        [before] = await hear([whole]),
        [early] = await hear([input(pcm('sense-and-sensibility'), from, 3, { partial: true })]),
        [late] = await hear([input(pcm('sense-and-sensibility'), from, 6, { partial: true, expected: 'en' })]);
      const words = (output: AsrOutput | undefined): string[] => output!.text.toLowerCase().match(/[a-z]+/g) ?? [];
      assert.ok(words(early).length >= 3 && words(late).length > words(early).length, `${early!.text} / ${late!.text}`);
      assert.deepEqual([early!.words, early!.language, late!.language], [[], 'en', 'en']);
      // All but the last word, which the cut may have gone through.
      assert.deepEqual(words(late).slice(0, words(early).length - 1), words(early).slice(0, -1));
      assert.deepEqual(await hear([whole]), [before]);
      const silence = sound('silence', 2, () => 0);
      assert.equal((await hear([{ ...silence, partial: true }]))[0]!.text, '');
    });

    it('hears the Spanish recording', async () => {
      const [first] = await hear(cuts('asterisk-es').slice(0, 1));
      assert.equal(first!.language, 'es');
      const outputs = [first!, ...(await hear(cuts('asterisk-es', 'es').slice(1)))];
      const heard = outputs.map(output => output.text).join(' '),
        { rate } = compare(truth('asterisk-es'), heard);
      console.log(`Spanish: WER ${(rate * 100).toFixed(1)} %`);
      assert.ok(rate <= 0.2, heard);
      assert.ok(outputs.slice(1).every(output => output.languageProbability === 1));
    });

    it('hears the utterances of a window together, and answers for each the same whichever a run asks for', async () => {
      const cuts = CUTS['sense-and-sensibility'].slice(1, 4),
        samples = (seconds: number): number => Math.round(seconds * RATE),
        startSample = samples(cuts[0]![0]),
        endSample = samples(cuts[2]![1]);
      const inputs = cuts.map(([from, to]) =>
        input(pcm('sense-and-sensibility'), from, to, {
          language: 'en',
          window: { startSample, endSample, keepFrom: samples(from), keepTo: samples(to) },
        }),
      );
      const together = await worker.run<'asr'>(inputs),
        [whole] = await hear([input(pcm('sense-and-sensibility'), cuts[0]![0], cuts[2]![1], { language: 'en' })]);
      assert.equal(
        together.map(output => output.text).join(' '),
        whole!.text,
        'no word is lost between them, none twice',
      );
      for (const [n, { words }] of together.entries())
        assert.ok(
          words.length > 3 &&
            words.every(word => word.startMs >= cuts[n]![0] * 1000 && word.endMs <= cuts[n]![1] * 1000),
          JSON.stringify(words),
        );
      assert.deepEqual(await hear([inputs[1]!]), [together[1]]);
      assert.deepEqual(
        await worker
          .run<'asr'>([inputs[2]!, input(pcm('sense-and-sensibility'), 0, 7.3, { language: 'en' })])
          .then(([one]) => one),
        together[2],
      );
    });

    it("gives words that spell the text, in order, inside the utterance, on the recording's clock", async () => {
      for (const [from, to] of CUTS['sense-and-sensibility']) {
        const [output] = await hear([input(pcm('sense-and-sensibility'), from, to, { language: 'en' })]);
        assert.equal(output!.words.map(word => word.text).join(' '), output!.text);
        assert.doesNotMatch(output!.text, /^\s|\s$|\s\s/);
        let before = Math.round(from * 1000);
        for (const { text, startMs, endMs } of output!.words) {
          assert.ok(
            startMs >= before && endMs >= startMs && endMs <= to * 1000 + 1,
            `${text} ${startMs}-${endMs} after ${before}`,
          );
          before = endMs;
        }
      }
      // "He" of the second sentence begins right after the pause at 7.7 s.
      const [second] = await hear([input(pcm('sense-and-sensibility'), 7.3, 11, { language: 'en' })]);
      assert.ok(Math.abs(second!.words[0]!.startMs - 7770) < 250, `${second!.words[0]!.startMs}`);
    });

    /** Pieces of the recordings, in seconds, and pauses between them, as one recording; where each piece lies in it. */
    const joined = (name: string, pieces: readonly (number | readonly [Recording, number, number])[]): Place[] => {
      let length = 0;
      const places: Place[] = [];
      const bytes = pieces.map(piece => {
        const part =
          typeof piece === 'number'
            ? Buffer.alloc(Math.round(piece * RATE) * 2)
            : readFileSync(pcm(piece[0])).subarray(Math.round(piece[1] * RATE) * 2, Math.round(piece[2] * RATE) * 2);
        const from = length / RATE;
        length += part.length / 2;
        if (typeof piece !== 'number') places.push({ from, to: length / RATE });
        return part;
      });
      writeFileSync(pcm(name), Buffer.concat(bytes));
      return places;
    };
    const SPANISH = ['asterisk-es', 0, 6.1] as const,
      ENGLISH = ['sense-and-sensibility', 11, 17] as const;

    it('follows the language from utterance to utterance, also within a window', async () => {
      const [es, en, es2] = joined('mixed', [SPANISH, 0.8, ENGLISH, 0.8, SPANISH]) as Place[];
      const at = (seconds: number): number => Math.round(seconds * RATE),
        border = at((es!.to + en!.from) / 2),
        second = at((en!.to + es2!.from) / 2),
        whole = { startSample: 0, endSample: at(es2!.to), borders: [border, second] };
      const [one, two, three] = await worker.run<'asr'>([
        input(pcm('mixed'), es!.from, es!.to, { window: { ...whole, keepFrom: 0, keepTo: border } }),
        input(pcm('mixed'), en!.from, en!.to, { window: { ...whole, keepFrom: border, keepTo: second } }),
        input(pcm('mixed'), es2!.from, es2!.to, { window: { ...whole, keepFrom: second, keepTo: at(es2!.to) } }),
      ]);
      assert.deepEqual(
        [one, two, three].map(each => each!.language),
        ['es', 'en', 'es'],
      );
      assert.match(one!.text, /felicidades.* instalado/i);
      assert.match(two!.text, /cold.hearted and rather selfish/i);
      assert.match(three!.text, /felici.* ha instalado/i);
      assert.doesNotMatch(two!.text, /menos|frío|bastante/i);
    });

    it('hears both languages of one utterance, and calls it by the one that is more of it', async () => {
      const places = joined('both', [['asterisk-es', 0, 3.3], 0.9, ENGLISH]);
      const [output] = await hear([input(pcm('both'), 0, places.at(-1)!.to, { expected: 'es' })]);
      assert.match(output!.text, /felicidades.*cold.hearted and rather selfish/i);
      assert.equal(output!.language, 'en');
    });

    it('hears a language between two parts of another, also where that one is clear for the whole', async () => {
      const [en, es, en2] = joined('hidden', [
        ['sense-and-sensibility', 0, 9],
        0.6,
        ['asterisk-es', 8, 11.5],
        0.6,
        ['sense-and-sensibility', 14, 19.5],
      ]) as Place[];
      const at = (seconds: number): number => Math.round(seconds * RATE),
        borders = [at(en!.to + 0.3), at(es!.to + 0.3)] as const,
        whole = { startSample: 0, endSample: at(en2!.to), borders: [...borders] };
      const outputs = await worker.run<'asr'>([
        input(pcm('hidden'), en!.from, en!.to, { window: { ...whole, keepFrom: 0, keepTo: borders[0] } }),
        input(pcm('hidden'), es!.from, es!.to, { window: { ...whole, keepFrom: borders[0], keepTo: borders[1] } }),
        input(pcm('hidden'), en2!.from, en2!.to, { window: { ...whole, keepFrom: borders[1], keepTo: at(en2!.to) } }),
      ]);
      assert.deepEqual(
        outputs.map(each => each.language),
        ['en', 'es', 'en'],
        JSON.stringify(outputs.map(each => each.text)),
      );
      assert.match(outputs[1]!.text, /tambi.n h?a instalado/i);
    });

    it('hears languages that follow each other without a pause', async () => {
      const places = joined('unpaused', [
        ['sense-and-sensibility', 2.2, 7],
        ['asterisk-es', 8, 14],
        ['sense-and-sensibility', 14, 19.5],
      ]);
      const [output] = await hear([input(pcm('unpaused'), 0, places.at(-1)!.to)]);
      assert.match(output!.text, /consider how much.* instalado.* sonidos y .*more amiable/i);
    });

    it('is not held to the language of the recording by what is clear, and is by what is not', async () => {
      const [clear] = await hear([input(pcm('sense-and-sensibility'), 11, 17, { expected: 'es' })]);
      assert.equal(clear!.language, 'en');
      // A word is too little to tell: by itself it is taken for anything.
      const [word] = joined('word', [['asterisk-es', 0, 1.15], 1]) as [Place],
        [unclear] = await hear([input(pcm('word'), word.from, word.to, { expected: 'es' })]);
      assert.equal(unclear!.language, 'es', JSON.stringify(unclear));
      const [given] = await hear([input(pcm('asterisk-es'), 0, 6.1, { language: 'en' })]);
      assert.equal(given!.language, 'en', 'who knows better is believed');
    });

    it('keeps what is really said again and again, no more and no less often', async () => {
      const again = ['sense-and-sensibility', 0.3, 2] as const;
      joined('again', [again, 0.5, again, 0.5, again, 0.5, again, 0.5, again, 0.5, again]);
      const [output] = await hear([input(pcm('again'), 0, 13.2, { language: 'en' })]);
      assert.equal(output!.text.match(/John Dashwood/g)?.length, 6, output!.text);
    });

    it('counts words that are said again and again by the pieces of sound', () => {
      const program = `
import json, sys
sys.path[:0] = sys.argv[2:]
import numpy
from worker import RATE, _as_often
def said(bursts, pause=0.2):
    one, silence = numpy.sin(numpy.arange(RATE * 2 // 5) * 0.2), numpy.zeros(int(RATE * pause))
    return numpy.concatenate([part for _ in range(bursts) for part in (one, silence)]).astype(numpy.float32)
def heard(text, times=1):
    words = (text + " ") * times
    return [{"word": " " + word, "tokens": [n], "start": n, "end": n + 1} for n, word in enumerate(words.split())]
def counted(*given):
    units = _as_often(*given)
    return ["".join(unit["word"] for unit in units).strip(), round(units[-1]["end"], 1)]
json.dump([
    counted(heard("no,", 14), said(12)), counted(heard("no,", 10), said(12)),
    counted(heard("one two three", 7), said(15)), counted(heard("no,", 14), said(12, 0.01)),
    counted(heard("it was very very very deep"), said(7)), counted(heard("no,", 4), said(12)),
], open(sys.argv[1], "w"))`;
      const engines = join(import.meta.dirname, '../../daemon/engines'),
        out = join(folder, 'counted.json');
      execFileSync(programOf(python!), [
        ...['-I', '-c', program, out],
        ...[join(engines, 'faster-whisper'), join(engines, 'python')],
      ]);
      const times = (words: string, n: number): string => Array.from({ length: n }, () => words).join(' ');
      assert.deepEqual(JSON.parse(readFileSync(out, 'utf8')), [
        [times('no,', 12), 7],
        [times('no,', 12), 7],
        [times('one two three', 5), 8.8],
        // Nothing parts them, something else is said too, or it is another number by far.
        [times('no,', 14), 14],
        ['it was very very very deep', 6],
        [times('no,', 4), 4],
      ]);
    });

    it('invents nothing on silence, noise, hum, clicks and tones', async () => {
      let seed = 1;
      const random = (): number => {
        seed = (seed * 1103515245 + 12345) % 2 ** 31;
        return seed / 2 ** 30 - 1;
      };
      const sine = (hertz: number, n: number): number => Math.sin((2 * Math.PI * hertz * n) / RATE);
      let brown = 0;
      const sounds = [
        sound('zero', 4, () => 0),
        sound('dither', 5, () => random() * 0.0002),
        sound('quiet', 5, () => random() * 0.003),
        sound('noise', 10, () => random() * 0.05),
        sound('loud', 3, () => random() * 0.4),
        sound('brown', 8, () => (brown = brown * 0.998 + random() * 0.02)),
        sound('hum', 10, n => 0.1 * sine(50, n)),
        sound('tone', 6, n => 0.2 * sine(440, n)),
        sound('keys', 5, n => (Math.floor(n / 4000) % 2 ? 0.2 * (sine(697, n) + sine(1209, n)) : 0)),
        sound('clicks', 8, () => (random() > 0.999 ? random() : 0)),
        sound('swell', 10, n => (random() * 0.1 * (1 + sine(4, n))) / 2),
        input(pcm('sense-and-sensibility'), 7.05, 7.7),
      ];
      for (const one of sounds)
        for (const language of [null, 'en']) {
          const [output] = await hear([{ ...one, language }]);
          assert.equal(output!.text, '', `${one.audio.path} ${language}`);
          assert.deepEqual(output!.words, []);
        }
    });

    it('adds nothing in long pauses before and behind speech', async () => {
      const speech = readFileSync(pcm('sense-and-sensibility')).subarray(23.7 * RATE * 2, 27.2 * RATE * 2),
        pause = Buffer.alloc(6 * RATE * 2);
      for (let n = 0; n < pause.length / 2; n++) pause.writeInt16LE(Math.round(20 * Math.sin(n * n)), n * 2);
      writeFileSync(pcm('paused'), Buffer.concat([pause, speech, pause]));
      const [output] = await hear([input(pcm('paused'), 0, 15.5, { language: 'en' })]);
      assert.equal(compare('He might even have been made amiable himself', output!.text).errors, 0, output!.text);
      assert.ok(output!.words[0]!.startMs > 5000, `${output!.words[0]!.startMs}`);
      assert.ok(output!.words.at(-1)!.endMs < 10_500);
    });

    it('takes hotwords and a prompt as hints, and never as an answer', async () => {
      const plain = input(pcm('asterisk-es'), 39.6, 56.8, { language: 'es' });
      const [unaided] = await hear([plain]),
        [hinted] = await hear([{ ...plain, hotwords: ['Asterisk', 'plataforma', 'PBX', 'IVR'] }]);
      assert.doesNotMatch(unaided!.text, /plataforma/i);
      assert.match(hinted!.text, /Asterisk es una plataforma/);
      const noise = input(pcm('noise'), 0, 10, {
        language: 'es',
        hotwords: ['Asterisk', 'plataforma'],
        prompt: 'Asterisk es una plataforma PBX.',
      });
      assert.equal((await hear([noise]))[0]!.text, '');
      // More context than the decoder can look back on is cut, not refused.
      const long = await hear([
        {
          ...plain,
          hotwords: Array.from({ length: 500 }, (_, n) => `palabra${n}`),
          prompt: 'Una historia muy larga. '.repeat(80),
        },
      ]);
      assert.match(long[0]!.text, /código abierto/);
    });

    it('encodes text as the tokens that the model itself makes', () => {
      // Each entry of the vocabulary that is a plain word, as a part of text that the decoder writes and reads.
      const program = `
import json, os, sys, tokenizers
sys.path.insert(0, sys.argv[1])
from encoding import complete
path = os.path.join(sys.argv[2], "tokenizer.json")
vocabulary = json.load(open(path, encoding="utf-8"))["model"]["vocab"]
encoder = complete(tokenizers.Tokenizer.from_file(path), path)
plain = [(token[1:], number) for token, number in vocabulary.items() if token.startswith(chr(0x120))]
words = {number: " " + word for word, number in plain if word.isascii() and word.isalpha()}
def broken(number, word):
    return encoder.encode(word, add_special_tokens=False).ids != [number]
print(json.dumps([len(words), [word for number, word in words.items() if broken(number, word)]]))`;
      const out = execFileSync(
        programOf(python!),
        ['-I', '-c', program, join(import.meta.dirname, '../../daemon/engines/faster-whisper'), model!],
        { encoding: 'utf8' },
      );
      const [count, broken] = JSON.parse(out) as [number, string[]];
      assert.ok(count > 10_000, out);
      assert.deepEqual(broken, []);
    });

    it('hears quiet speech as it hears the same speech loud', async () => {
      const samples = readFileSync(pcm('asterisk-es')).subarray(6.1 * RATE * 2, 12 * RATE * 2),
        pieces = new Int16Array(samples.buffer.slice(samples.byteOffset, samples.byteOffset + samples.length)),
        peak = pieces.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
      const at = async (level: number): Promise<string> => {
        const scaled = pieces.map(each => Math.round((each / peak) * level * 32767));
        writeFileSync(pcm('level'), Buffer.from(scaled.buffer));
        return (await hear([input(pcm('level'), 0, pieces.length / RATE, { language: 'es' })]))[0]!.text;
      };
      const [loud, quiet] = [await at(0.9), await at(0.06)];
      console.log(`at 0.9: ${loud}\nat 0.06: ${quiet}`);
      assert.match(loud, /código abierto.*también.*instalado/i);
      assert.match(quiet, /código abierto.*también.*instalado/i);
    });

    it('says what else an utterance may have been, behind its text, and repairs by it', async () => {
      const hearOther = async (from: number, to: number, glossary: { term: string }[]) => {
        const [output] = await hear([
          input(pcm('asterisk-es'), from, to, { language: 'es', alternatives: { glossary, readable: false } }),
        ]);
        const { alternatives } = worker.alternatives.at(-1)!;
        for (const one of alternatives) assert.ok(one.to > one.from && one.to <= output!.words.length, one.text);
        return {
          alternatives,
          text: repairByEar({ ...output!, before: '', glossary }, alternatives).text,
          plain: output!,
        };
      };
      const { alternatives, text, plain } = await hearOther(23.3, 39.6, []);
      assert.deepEqual(
        worker.events.slice(-3).map(event => event.split(' ')[0]),
        ['result', 'alternatives', 'done'],
      );
      assert.deepEqual(
        await hear([input(pcm('asterisk-es'), 23.3, 39.6, { language: 'es' })]),
        [plain],
        'the same words',
      );
      console.log(`${plain.text}\n→ ${text}`);
      // What the sound speaks against is not taken, however near it is in letters.
      assert.match(plain.text, /dijitos en su teléfono/);
      assert.match(text, /dígitos en su teléfono/);
      const other = alternatives.find(one => one.from === 4 && one.text !== 'dígitos');
      assert.ok(other && other.gain < -2, JSON.stringify(alternatives));
      assert.deepEqual((await hearOther(23.3, 39.6, [{ term: 'dijitos' }])).text, plain.text, 'a term stays');
    });

    it('says which language it does not know, and which file it cannot read', async () => {
      const here = pcm('sense-and-sensibility');
      await assert.rejects(
        worker.run<'asr'>([input(here, 0, 2, { language: 'xx' })]),
        (error: EarshotError) => error.failure.code === 'languageNotSupported',
      );
      await assert.rejects(
        worker.run<'asr'>([input(join(folder, 'absent'), 0, 2)]),
        (error: EarshotError) => error.failure.code === 'unreadableFile',
      );
      // Regional variants and old codes are understood.
      assert.equal(
        (await hear([input(here, 23.7, 27.2, { language: 'en-GB' })]))[0]!.text,
        'He might even have been made amiable himself.',
      );
    });

    it('says that a model is broken when it is', async () => {
      const broken = join(folder, 'broken');
      mkdirSync(broken);
      for (const name of ['config.json', 'vocabulary.txt', 'tokenizer.json'])
        writeFileSync(join(broken, name), readFileSync(join(model!, name)));
      writeFileSync(join(broken, 'model.bin'), readFileSync(join(model!, 'model.bin')).subarray(0, 1_000_000));
      for (const directory of [broken, join(folder, 'absent')]) {
        await using other = new TestWorker({
          engine: fasterWhisper,
          stage: 'asr',
          directory,
          precision: 'int8',
          runtimes: { python: python! },
        });
        await assert.rejects(other.loaded, (error: EarshotError) => error.failure.code === 'modelBroken', directory);
      }
    });

    it('goes on beating while it computes, and can be cancelled between steps', async () => {
      const id = worker.nextRun,
        run = worker.run<'asr'>(cuts('asterisk-es', 'es'));
      run.catch(() => undefined);
      await worker.heartbeat();
      await worker.heartbeat();
      worker.worker.cancel(id);
      await assert.rejects(run, (error: EarshotError) => error.failure.code === 'cancelled');
      assert.equal(
        (await hear([input(pcm('sense-and-sensibility'), 23.7, 27.2, { language: 'en' })]))[0]!.words.length,
        8,
      );
    });
  },
);
