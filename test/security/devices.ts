/**
 * In a `/dev` of its own, with a file for each device: what a worker on a GPU, and one without, may open of them for
 * reading and writing, as JSON. gpu.test.ts starts it there; the files stand in for devices that this machine lacks.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { engines } from '../../daemon/engines/engines.ts';
import { workerPermissions } from '../../daemon/workers/sandbox/permissions.ts';
import { inSandbox } from '../../daemon/workers/sandbox/sandbox.ts';

const OPEN = `
  import fs from 'node:fs';
  const opened = {};
  for (const name of process.argv.slice(1))
    try { fs.closeSync(fs.openSync('/dev/' + name, 'r+')); opened[name] = 'opened'; }
    catch (error) { opened[name] = error.code; }
  console.log(JSON.stringify(opened));`;

const [home, ...names] = process.argv.slice(2) as [string, ...string[]];

function opened(device: object): unknown {
  const permissions = workerPermissions({
    engine: engines.find(({ id }) => id === 'llama')!,
    context: { card: {} as never, runtime: () => join(home, 'runtime'), device: device as never, threads: 1 },
    program: process.execPath,
    env: process.env,
    directories: [],
    audio: join(home, 'audio'),
    cache: join(home, 'cache'),
  })!;
  const { program, args } = inSandbox(
    { program: process.execPath, args: ['--input-type=module', '-e', OPEN, ...names] },
    permissions,
  );
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

console.log(JSON.stringify([opened({ kind: 'gpu', index: 0, uuid: 'GPU-0' }), opened({ kind: 'cpu' })]));
