/** The connection as the panels show it. */
import * as vscode from 'vscode';
import type { ConnectionView } from '../../webview/messages.ts';
import type { ConnectionState } from '../connection/connection.ts';
import { happened } from '../ui/words.ts';

export function connectionView(connection: ConnectionState): ConnectionView {
  switch (connection.kind) {
    case 'off':
      return { kind: 'off', text: vscode.l10n.t('It starts when needed.') };
    case 'starting':
      return {
        kind: 'starting',
        text:
          connection.step === 'replacing'
            ? vscode.l10n.t('Updating: running work finishes first…')
            : vscode.l10n.t('Starting…'),
      };
    case 'connected':
      return { kind: 'connected', text: '' };
    case 'lost':
      return { kind: 'lost', text: vscode.l10n.t('The connection was lost; reconnecting…') };
    // What to do stands on the buttons; the daemon's own last words help whoever repairs it.
    case 'failed':
      return {
        kind: 'failed',
        text: [
          happened(connection.failure),
          connection.failure.detail
            ?.split('\n')
            .find(line => /error|cannot|not /i.test(line))
            ?.slice(0, 200),
        ]
          .filter(Boolean)
          .join(' '),
      };
  }
}
