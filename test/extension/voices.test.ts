/**
 * Who speaks, from the recording to the name, with everything real: Whisper base, the voices' encoder, the daemon and a
 * window. Two people talk in turns; each is named once in the transcript editor; the document that the text streamed
 * into follows, and the next recording knows them by their voices.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { home as homeOf } from '../../daemon/auth/home.ts';
import type { Transcript } from '../../schemas/job.ts';
import { ffmpeg, missing, modelFolder, python, SAMPLES, sherpa } from '../engines/place.ts';
import { buildBundles } from './bundles.ts';
import { EDITOR, ID, root } from './harness.ts';
import { openHost } from './host/host.ts';
import { hostUnavailable } from './host/install.ts';
import { explorerMenu, openWorkbench, runCommand, until, webview } from './host/ui.ts';

const unavailable =
  (await hostUnavailable()) ??
  missing({
    ffmpeg,
    'the sherpa runtime': sherpa,
    'the Python engines': python,
    'whisper-base': modelFolder('whisper-base'),
    campplus: modelFolder('campplus'),
  });
if (unavailable) console.log(`Not run: ${unavailable}`);

/**
 * Turns of the reader and the caller in one recording, silence between them that parts utterances; `turns`: whose
 * sample, from which second, how long.
 */
function conversation(
  path: string,
  turns: readonly (readonly ['sense-and-sensibility.flac' | 'asterisk-es.flac', number, number])[],
): void {
  const inputs = turns.flatMap(([name, from, seconds]) => [
    '-ss',
    String(from),
    '-t',
    String(seconds),
    '-i',
    join(SAMPLES, name),
  ]);
  const heard = turns
    .map((_, n) => `[${n}:a]aresample=16000,aformat=channel_layouts=mono,apad=pad_dur=1.8[a${n}]`)
    .join(';');
  execFileSync(ffmpeg!, [
    '-nostdin',
    '-loglevel',
    'error',
    ...inputs,
    '-filter_complex',
    `${heard};${turns.map((_, n) => `[a${n}]`).join('')}concat=n=${turns.length}:v=0:a=1`,
    path,
  ]);
}

test(
  'two people are told apart, named once, and known in the next recording',
  { skip: unavailable ?? false, timeout: 240_000 },
  async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'earshot-voices-')),
      workspace = join(scratch, 'recordings'),
      installed = homeOf();
    mkdirSync(workspace);
    const reader = 'sense-and-sensibility.flac',
      caller = 'asterisk-es.flac';
    conversation(join(workspace, 'first.wav'), [
      [reader, 0.5, 6],
      [caller, 2, 6],
      [reader, 8, 6],
      [caller, 20, 6],
    ]);
    conversation(join(workspace, 'second.wav'), [
      [caller, 45, 6],
      [reader, 20, 6],
    ]);
    try {
      buildBundles();
      const host = await openHost({
        extension: root,
        workspace,
        env: { EARSHOT_STATE: join(scratch, 'state'), EARSHOT_DATA: installed.data },
        settings: {
          'earshot.document.open': 'untitled',
          'earshot.machine.offline': true,
          'earshot.machine.idleExitSeconds': 1,
          'earshot.models': { asr: 'whisper-base' },
          'earshot.repair': false,
          'earshot.speakers': true,
          'earshot.outputFormats': ['json', 'srt'],
        },
      });
      try {
        const { page } = host,
          quick = page.locator('.quick-input-widget');
        await openWorkbench(host);
        const transcript = (name: string): Transcript =>
          JSON.parse(readFileSync(join(workspace, `${name}.earshot.json`), 'utf8')) as Transcript;
        const spoken = async (name: string): Promise<string[]> => {
          await explorerMenu(page, `${name}.wav`, 'Transcribe');
          return until(
            `the transcript of ${name}`,
            () => transcript(name).utterances.map(({ speaker }) => speaker ?? 'nobody'),
            90_000,
          );
        };
        const documents = (): Promise<string[]> =>
          host.inHost(vscode =>
            vscode.workspace.textDocuments.filter(document => document.isUntitled).map(document => document.getText()),
          );
        assert.deepEqual(await spoken('first'), ['S1', 'S2', 'S1', 'S2']);
        await until('the document says who speaks', async () =>
          (await documents()).some(text => /S(peaker )?1/.test(text) && /S(peaker )?2/.test(text)),
        );

        await host.inHost(
          (vscode, file) =>
            vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript'),
          join(workspace, 'first.earshot.json'),
        );
        const editor = await webview(page, { extensionId: ID, title: EDITOR });
        for (const [now, name] of [
          ['Speaker 1', 'Jane'],
          ['Speaker 2', 'Felipe'],
        ] as const) {
          await editor.locator('.people .speaker', { hasText: now }).click();
          await quick.locator('.quick-input-title', { hasText: `Who is ${now}?` }).waitFor();
          await page.keyboard.type(name);
          await quick.locator('.monaco-list-row.focused', { hasText: name }).waitFor();
          await page.keyboard.press('Enter');
          await editor.locator('.people .speaker', { hasText: name }).waitFor();
        }
        await host.inHost(vscode => vscode.commands.executeCommand('workbench.action.files.save'));
        await until('the subtitles follow', () => {
          const srt = readFileSync(join(workspace, 'first.srt'), 'utf8');
          return srt.includes('Jane') && srt.includes('Felipe');
        });
        await until('the document follows', async () =>
          (await documents()).some(
            text => text.includes('**Jane:**') && text.includes('**Felipe:**') && !/S(peaker )?[12]:/.test(text),
          ),
        );

        assert.deepEqual(await spoken('second'), ['Felipe', 'Jane']);
        await until(
          'the second document names them',
          async () =>
            (await documents()).filter(text => text.includes('**Jane:**') && text.includes('**Felipe:**')).length === 2,
        );
        await runCommand(page, 'Earshot: Stop the Daemon');
        await until('no daemon', () => !host.processes().some(p => /earshotd\.mjs/.test(p.command)), 15_000);
      } finally {
        assert.deepEqual((await host.close()).strays, []);
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
);
