/** What the kernel says of ffmpeg while a daemon decodes and muxes with it, with the sandbox on and off. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { processes } from '../../daemon/devices/processes.ts';
import { sandboxSupport } from '../../daemon/workers/sandbox/linux.ts';
import { fakeModel } from '../daemon/harness.ts';
import { RealDaemon } from '../daemon/real.ts';
import { ffmpeg, missing, SAMPLES, sherpa } from './place.ts';

const support = sandboxSupport(),
  skip = 'reason' in support ? `no sandbox here: ${support.reason}` : missing({ ffmpeg, sherpa });

interface Limits {
  noNewPrivs: number;
  filters: number;
}
function limitsOf(pid: number | 'self'): Limits {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8'),
    read = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)![1]);
  return { noNewPrivs: read('NoNewPrivs'), filters: read('Seccomp_filters') };
}

/** The real ffmpeg, which waits at a gate of its own before it decodes and before it muxes. */
function gatedFfmpeg(folder: string): { program: string; gate: (call: 'decode' | 'mux') => string } {
  mkdirSync(folder);
  const program = join(folder, 'ffmpeg'),
    gate = (call: string): string => join(folder, `${call}.gate`);
  for (const call of ['decode', 'mux']) execFileSync('mkfifo', [gate(call)]);
  const script = `#!/bin/sh
case " $* " in
  *" 0:V? "*) read -r _ < '${gate('mux')}' ;;
  *" -i "*) read -r _ < '${gate('decode')}' ;;
esac
exec "${ffmpeg}" "$@"
`;
  writeFileSync(program, script, { mode: 0o755 });
  return { program, gate };
}

/** The limits of whoever waits at the gate among the daemon's processes; lets it through. */
async function limitsAt(gate: string, program: string, daemon: RealDaemon): Promise<Limits> {
  // Opens once somebody has opened it to read.
  const end = await open(gate, 'w');
  try {
    const waiting = [...processes().withChildren([daemon.pid]).get(daemon.pid)!].filter(pid =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, 2).includes(program),
    );
    assert.equal(waiting.length, 1, 'one process waits at the gate');
    return limitsOf(waiting[0]!);
  } finally {
    await end.write('\n');
    await end.close();
  }
}

describe('ffmpeg while it decodes and muxes', { skip, timeout: 240_000 }, () => {
  for (const sandbox of ['auto', 'off'] as const)
    it(`has ${sandbox === 'auto' ? 'few permissions' : 'those of its user'} where the setting is "${sandbox}"`, async () => {
      const daemon = new RealDaemon({ models: [fakeModel('a', 'asr')] }),
        { program, gate } = gatedFfmpeg(join(daemon.root, 'tools'));
      writeFileSync(
        daemon.home.settings,
        JSON.stringify({ ...JSON.parse(readFileSync(daemon.home.settings, 'utf8')), ffmpegPath: program, sandbox }),
      );
      await daemon.start();
      try {
        const recording = join(daemon.recordings, 'film.mp4');
        const made = spawnSync(ffmpeg!, [
          // Speech: where nobody speaks, a recording is decoded more than once.
          ...['-v', 'error', '-t', '6', '-i', join(SAMPLES, 'sense-and-sensibility.flac')],
          ...['-f', 'lavfi', '-i', 'testsrc2=size=64x64:rate=5:duration=6', '-shortest', recording],
        ]);
        assert.equal(made.status, 0, made.stderr.toString());
        const jobs = await daemon.submit([recording], {
          language: 'en',
          repair: false,
          outputs: { formats: ['srt'], mux: true },
        });
        const over = daemon.ended(jobs).then(([job]): never => {
          throw new Error(`ended before it came to the gate: ${JSON.stringify(job!.failure ?? job!.warnings)}`);
        });
        over.catch(() => {});
        const own = limitsOf('self');
        for (const call of ['decode', 'mux'] as const) {
          const { noNewPrivs, filters } = await Promise.race([limitsAt(gate(call), program, daemon), over]);
          if (sandbox === 'auto') assert.deepEqual([noNewPrivs, filters], [1, own.filters + 1], call);
          else assert.deepEqual([noNewPrivs, filters], [own.noNewPrivs, own.filters], call);
        }
        const [job] = await daemon.ended(jobs);
        assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
        assert.ok(job!.outputs.some(output => output.kind === 'video'));
      } finally {
        // Whoever still waits at a gate goes on.
        for (const call of ['decode', 'mux'] as const) await (await open(gate(call), 'r+')).close();
        await daemon.close();
      }
    });
});
