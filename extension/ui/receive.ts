/** What a page sends, checked; anything else is dropped and logged. */
import type * as vscode from 'vscode';
import type { FromDevices, FromQueue, FromTranscript } from '../../webview/messages.ts';

/** By the schema's name, what a page may send. */
interface Contracts {
  FromQueue: FromQueue;
  FromDevices: FromDevices;
  FromTranscript: FromTranscript;
}

/** Messages of the page, one after the other. Nothing else may listen to a page (the linter sees to it). */
export function receive<C extends keyof Contracts>(
  webview: vscode.Webview,
  contract: C,
  take: (message: Contracts[C]) => void,
  log: Pick<vscode.LogOutputChannel, 'warn'>,
): vscode.Disposable {
  const compile = async (): Promise<Check> => {
    const [{ Compile }, messages] = await Promise.all([import('typebox/compile'), import('../../webview/messages.ts')]);
    return Compile(messages[contract]);
  };
  return webview.onDidReceiveMessage(
    checked<Contracts[C]>(compile, take, message =>
      log.warn(`${contract}: refused ${JSON.stringify(message).slice(0, 200)}`),
    ),
  );
}

interface Check {
  Check(value: unknown): boolean;
}

/** The check is compiled when the first message comes. */
export function checked<T>(
  schema: () => Promise<Check>,
  take: (message: T) => void,
  refuse: (message: unknown) => void,
): (message: unknown) => void {
  let check: Promise<Check> | null = null;
  return message => {
    check ??= schema();
    void check.then(c => (c.Check(message) ? take(message as T) : refuse(message)));
  };
}
