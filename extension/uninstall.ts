/**
 * Runs once after the extension was removed, in a process of its own without the editor: asks the daemon to leave. What
 * it was doing is kept for the next one.
 */
import { readFileSync } from 'node:fs';
import { connect } from '../client/client.ts';
import { readAccess } from '../client/handshake.ts';
import { home } from '../client/home.ts';

async function stopDaemon(): Promise<void> {
  const places = home();
  const client = await connect({
    ...readAccess(readFileSync(places.token, 'utf8'), places.socket),
    client: 'uninstall',
    version: '0.0.0',
  });
  await client.call('daemon/stop', { finish: false });
  await client.closed;
}

// No daemon, or one that has just gone: that is what was wanted.
stopDaemon().catch(() => {});
