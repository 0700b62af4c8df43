/**
 * The main job on real engines, weights and speech: two recordings recognised, repaired, translated, spoken, and held
 * against what was said.
 */
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sourceText, type Job, type Utterance } from '../../schemas/job.ts';
import type { JournalEntry } from '../../schemas/rpc.ts';
import { isFinal } from '../../schemas/words.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { RealDaemon, SAMPLES } from '../daemon/real.ts';
import { compare, words } from './words.ts';

const ENGLISH =
  'And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for ' +
  'them. He was not an ill disposed young man, unless to be rather cold hearted and rather selfish is to be ' +
  'ill disposed. Had he married a more amiable woman, he might have been made still more respectable than he ' +
  'was. He might even have been made amiable himself.';
const SPANISH =
  'Felicidades, usted ha instalado y ejecutado exitosamente su PBX de código abierto, Asterisk. También ha ' +
  'instalado una serie de sonidos y archivos de configuración que le ayudarán a comenzar. Al igual que una PBX ' +
  'normal, usted navegará esta demostración tecleando dígitos en su teléfono. Si está usando el canal de ' +
  'consola a cambio de un teléfono físico, puede usar los comandos dial, answer y hangup para simular su ' +
  'teléfono. Asterisk es una plataforma PBX e IVR de código abierto que corre en el sistema operativo Linux. ' +
  'Para más información, visite www.asterisk.org. Está a punto de entrar a la prueba de eco. En este modo, ' +
  'todo lo que diga será repetido tan pronto como sea recibido por el sistema. El propósito de esta prueba es ' +
  'de darle una idea de la demora del sonido entre usted y el sistema ejecutando la prueba. Para terminar, ' +
  'cuelgue o presione la tecla de número.';

describe('the main job', { timeout: 450_000 }, () => {
  let daemon: RealDaemon, english: Job, spanish: Job, heard: Utterance[], spoken: Utterance[];
  const utterances = async (job: Job): Promise<Utterance[]> =>
    (await daemon.client.call('job/utterances', { id: job.id })).utterances;
  before(async () => {
    daemon = await new RealDaemon({ settings: { formats: [], yieldTo: 'never' } }).start();
    const [one, two] = ['sense-and-sensibility.flac', 'asterisk-es.flac'].map(name => {
      const path = join(daemon.recordings, name);
      copyFileSync(join(SAMPLES, name), path);
      return path;
    });
    const jobs = [
      ...(await daemon.submit([one!])),
      ...(await daemon.submit([two!], { translateTo: 'en', speak: true })),
    ];
    [english, spanish] = (await daemon.ended(jobs)) as [Job, Job];
    heard = await utterances(english);
    spoken = await utterances(spanish);
  });
  after(() => daemon.close());
  const recognised = (all: Utterance[]): string => all.map(utterance => utterance.asr?.text ?? '').join(' ');
  const repaired = (all: Utterance[]): string => all.map(sourceText).join(' ');

  it('completes, with every utterance through every stage, in the languages spoken', () => {
    assert.deepEqual(
      [english.state, spanish.state],
      ['completed', 'completed'],
      JSON.stringify([english.failure, spanish.failure]),
    );
    assert.deepEqual([english.language, spanish.language], ['en', 'es']);
    for (const utterance of spoken)
      assert.ok(utterance.asr && utterance.repair && utterance.nmt && utterance.tts, JSON.stringify(utterance));
  });

  it('hears the English well, and repair makes it no worse', () => {
    const before = compare(ENGLISH, recognised(heard)),
      after = compare(ENGLISH, repaired(heard));
    console.log(`English: WER ${(before.rate * 100).toFixed(1)} % → ${(after.rate * 100).toFixed(1)} %`);
    assert.ok(after.rate <= 0.06);
    assert.ok(after.errors <= before.errors);
  });

  it('mends misheard Spanish words and breaks none', () => {
    const before = compare(SPANISH, recognised(spoken)),
      after = compare(SPANISH, repaired(spoken)),
      truth = words(SPANISH);
    const fixed = truth.filter((_, i) => !before.right[i] && after.right[i]),
      broken = truth.filter((_, i) => before.right[i] && !after.right[i]);
    const changes = spoken.flatMap(utterance => utterance.repair!.changes);
    console.log(
      `Spanish: WER ${(before.rate * 100).toFixed(1)} % → ${(after.rate * 100).toFixed(1)} %, ` +
        `repaired: ${fixed.join(', ')}; ` +
        `changes: ${changes.map(change => `${change.before} → ${change.after}`).join('; ')}`,
    );
    assert.deepEqual(broken, []);
    assert.ok(fixed.length >= 2, fixed.join(', '));
  });

  it('speaks the translation so that it can be recognised again', async () => {
    const translation = spoken.map(utterance => utterance.nmt!.text).join(' ');
    const track = spanish.outputs.find(output => output.kind === 'audio')!.path;
    const [again] = await daemon.ended(await daemon.submit([track], { language: 'en', repair: false }));
    const { rate } = compare(translation, recognised(await utterances(again!)));
    console.log(`translation: ${translation}\nspoken and recognised again: WER ${(rate * 100).toFixed(1)} %`);
    assert.ok(rate <= 0.15);
  });

  it('says a sample sentence once, which is kept, and leaves no job', async () => {
    const model = 'piper-en-us-joe-medium',
      { client } = daemon,
      { voices } = await client.call('voice/list', { model });
    assert.deepEqual(voices, [{ voice: null, language: 'en', pitch: null }]);
    const jobs = async (): Promise<string[]> => (await client.call('job/list', {})).jobs.map(job => job.id),
      before = await jobs(),
      wanted = { model, voice: null, language: 'en' };
    const [one, same] = await Promise.all([client.call('voice/sample', wanted), client.call('voice/sample', wanted)]);
    assert.equal(one.path, same.path);
    assert.ok(statSync(one.path).size > 40_000, 'more than a second');
    assert.equal((await client.call('voice/sample', wanted)).path, one.path);
    assert.deepEqual(await jobs(), before);
    assert.deepEqual(readdirSync(join(daemon.home.state, 'samples')), []);
    for (const wrong of [{ language: 'de' }, { voice: 'nobody' }, { model: 'whisper-base' }])
      await assert.rejects(client.call('voice/sample', { ...wanted, ...wrong }), failsWith('noVoice'));
  });

  it('recognises a later utterance while one is repaired or translated', async () => {
    // The models are loaded by now: cold, recognition is through before the language model is there.
    const {
      results: [again],
    } = await daemon.client.call('job/submit', {
      jobs: [
        { recording: spanish.recording.path, options: { ...spanish.options, speak: false }, onDuplicate: 'create' },
      ],
    });
    assert.ok(again && 'job' in again);
    const { id } = again.job;
    const overlapping = async (): Promise<number | undefined> => {
      const { entries } = await daemon.client.call('job/log', { id });
      const find = (kind: string, stage: string, index: number): JournalEntry | undefined =>
        entries.find(entry => entry.kind === kind && entry.stage === stage && entry.index === index);
      const indexes = spoken.map(utterance => utterance.index);
      // How far recognition runs ahead depends on the machine.
      return indexes.find(index =>
        indexes.some(later => {
          const next = later > index && find('attempt.started', 'asr', later),
            nextEnd = find('step.finished', 'asr', later);
          return (['repair', 'nmt'] as const).some(stage => {
            const began = find('attempt.started', stage, index),
              ended = find('step.finished', stage, index);
            return next && nextEnd && began && ended && next.seq < ended.seq && began.seq < nextEnd.seq;
          });
        }),
      );
    };
    let found = await overlapping(),
      over = false,
      arrived = Promise.withResolvers<void>();
    daemon.client.onEvents(({ events }) => {
      over ||= events.some(event => event.type === 'job' && event.job.id === id && isFinal(event.job.state));
      arrived.resolve();
    });
    const { jobs } = await daemon.client.call('state/subscribe', { topics: ['jobs'], utterancesOf: [id] });
    over ||= jobs.some(job => job.id === id && isFinal(job.state));
    while (found === undefined && !over) {
      await daemon.within(120_000, arrived.promise);
      arrived = Promise.withResolvers();
      found = await overlapping();
    }
    if (!over) await daemon.client.call('job/cancel', { ids: [id] });
    const { entries } = await daemon.client.call('job/log', { id });
    const course = entries.map(({ kind, stage, index }) => `${kind} ${stage} ${index}`).join('\n');
    assert.notEqual(found, undefined, `no utterance was recognised while one before it was worked on:\n${course}`);
    console.log(`utterance ${found! + 1} was recognised while ${found} was repaired or translated`);
  });
});
