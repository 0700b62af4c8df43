/**
 * From the right click to the first words on the screen, with the real daemon and Whisper base, warm. The daemon's own
 * journal says when the first utterance was there and how long it was recognised; the click, the request and the way
 * into the document may add 30 % to that. On a quiet machine reading the recording fits into the 30 % as well; here
 * other tests may hold its processes up, so that is only printed.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { home as homeOf } from '../../daemon/auth/home.ts';
import { connect } from '../../client/client.ts';
import type { Job } from '../../schemas/job.ts';
import { buildBundles } from './bundles.ts';
import { root } from './harness.ts';
import { openHost } from './host/host.ts';
import { hostUnavailable } from './host/install.ts';
import { explorerMenu, openWorkbench, runCommand, until } from './host/ui.ts';

const installed = homeOf(),
  ROUNDS = 2;
const unavailable =
  (await hostUnavailable()) ??
  (existsSync(join(installed.models, 'whisper-base')) &&
  existsSync(installed.runtimes) &&
  readdirSync(installed.runtimes).some(name => name.startsWith('python'))
    ? null
    : 'Whisper base and its engine are not installed: npm start installs them');
if (unavailable) console.log(`Not run: ${unavailable}`);

test(
  'a right click brings the first words within 1.3 times their recognition',
  { skip: unavailable ?? false, timeout: 240_000 },
  async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'earshot-words-')),
      workspace = join(scratch, 'recordings'),
      state = join(scratch, 'state');
    try {
      buildBundles();
      mkdirSync(workspace);
      for (let n = 0; n <= ROUNDS; n++)
        cpSync(join(root, 'samples/sense-and-sensibility.flac'), join(workspace, `talk ${n}.flac`));
      const host = await openHost({
        extension: root,
        workspace,
        env: { EARSHOT_STATE: state, EARSHOT_DATA: installed.data },
        settings: {
          'earshot.document.open': 'untitled',
          'earshot.machine.offline': true,
          'earshot.machine.idleExitSeconds': 1,
          'earshot.models': { asr: 'whisper-base' },
          'earshot.repair': false,
          'earshot.outputFormats': [],
        },
      });
      try {
        const { page } = host,
          places = homeOf({ ...process.env, EARSHOT_STATE: state });
        await openWorkbench(host);
        // The page's own clock, at the click in the menu and when the words are painted.
        await page.evaluate(() => {
          const marks = globalThis as unknown as { clickedAt: number; wordsAt: number };
          addEventListener(
            'mouseup',
            event => {
              if ((event.target as HTMLElement).closest('.monaco-menu')) {
                marks.clickedAt = Date.now();
                marks.wordsAt = 0;
              }
            },
            true,
          );
          new MutationObserver(() => {
            if (
              !marks.wordsAt &&
              [...document.querySelectorAll('.editor-instance .view-line')].some(line =>
                /Dashwood|leisure/.test(line.textContent ?? ''),
              )
            )
              marks.wordsAt = Date.now();
          }).observe(document.body, { childList: true, subtree: true, characterData: true });
        });
        /** What the journal and the page say of one recording, ms. */
        const round = async (
          name: string,
        ): Promise<{ total: number; ask: number; read: number; asr: number; show: number }> => {
          await explorerMenu(page, name, 'Transcribe');
          const wordsAt = await until(
            'the first words',
            () => page.evaluate(() => (globalThis as unknown as { wordsAt: number }).wordsAt),
            90_000,
          );
          const clickedAt = await page.evaluate(() => (globalThis as unknown as { clickedAt: number }).clickedAt);
          const client = await connect({
            socket: places.socket,
            token: readFileSync(places.token, 'utf8'),
            client: 'test',
            version: '0.0.0',
          });
          try {
            const found = async (): Promise<Job | undefined> =>
              (await client.call('job/list', {})).jobs.find(job => job.recording.name === name);
            await until('the end of the job', async () => (await found())?.state === 'completed', 90_000);
            const { entries } = await client.call('job/log', { id: (await found())!.id, limit: 1000 });
            const at = (kind: string): number => entries.find(e => e.kind === kind && (e.index ?? 0) === 0)!.at,
              asr = Number(
                entries.find(e => e.kind === 'step.finished' && e.stage === 'asr' && e.index === 0)!.data.ms,
              );
            return {
              total: wordsAt - clickedAt,
              ask: at('job.submitted') - clickedAt,
              read: at('attempt.started') - at('job.submitted'),
              asr,
              show: wordsAt - at('step.finished'),
            };
          } finally {
            client.dispose();
            await host.inHost(vscode => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));
          }
        };
        await round('talk 0.flac'); // loads the model
        const rounds: Awaited<ReturnType<typeof round>>[] = [];
        for (let n = 1; n <= ROUNDS; n++) rounds.push(await round(`talk ${n}.flac`));
        for (const r of rounds)
          console.log(
            `click to words ${r.total} ms = asking ${r.ask} + reading ${r.read} + recognising ${r.asr} + ` +
              `showing ${r.show}; ${(r.total / r.asr).toFixed(2)} × the recognition`,
          );
        await runCommand(page, 'Earshot: Stop the Daemon');
        await until('no daemon', () => !host.processes().some(p => /earshotd\.mjs/.test(p.command)), 15_000);
        const best = Math.min(...rounds.map(r => (r.total - r.read) / r.asr));
        assert.ok(best <= 1.3, `${best.toFixed(2)} × the recognition`);
      } finally {
        assert.deepEqual((await host.close()).strays, []);
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
);
