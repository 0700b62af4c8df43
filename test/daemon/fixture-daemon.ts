/** A daemon that only locks, serves and stops: for races and starts. Arguments: version, and what to do wrong. */
import { mkdirSync } from 'node:fs';
import { home as homeOf } from '../../daemon/auth/home.ts';
import { takeLock } from '../../daemon/system/lock.ts';
import { startServer } from '../../daemon/api/rpc/server.ts';
import { toFailure, EarshotError } from '../../schemas/errors.ts';
import { handlersOf } from './test-server.ts';

const [version = '1.0.0', fault] = process.argv.slice(2);
try {
  if (fault === 'store') throw new EarshotError('storeNewer', { path: '/q', found: 9, known: 1 });
  if (fault === 'crash') throw new Error('no luck today');
  const home = homeOf();
  mkdirSync(home.run, { recursive: true, mode: 0o700 });
  const lock = takeLock(home.lock);
  const server = await startServer({
    home,
    version,
    handlers: handlersOf({
      'daemon/stop': () => {
        setImmediate(
          () =>
            void (async () => {
              await server.close();
              lock.release();
              process.exit(0);
            })(),
        );
        return {};
      },
    }),
  });
  process.send?.('serving');
  // One that was started for a race and won it after the test was over goes by itself.
  let alone = 0;
  setInterval(() => {
    alone = server.clients === 0 ? alone + 1 : 0;
    if (alone > 10) process.exit(0);
  }, 1000);
} catch (error) {
  const why = toFailure(error);
  process.stderr.write(`${JSON.stringify(why)}\n`);
  process.exitCode = why.code === 'daemonRunning' ? 3 : 1;
}
