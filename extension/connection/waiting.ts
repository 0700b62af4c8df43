/** A command that waits for the daemon says so in the status bar, before somebody wonders whether it was asked for. */
import * as vscode from 'vscode';
import { AsyncLocalStorage } from 'node:async_hooks';
import { notifyUntil } from '../ui/notify.ts';

/** The command that asks; what it leaves running in the background is none once it has ended. */
const command = new AsyncLocalStorage<{ over: boolean }>();
/** An answer that is here by then needs no word. */
const SOON_MS = 50;

/** Runs a command of somebody. */
export async function asCommand<R>(run: () => Promise<R>): Promise<R> {
  const now = { over: false };
  try {
    return await command.run(now, run);
  } finally {
    now.over = true;
  }
}

/** The daemon's answer; while a command waits for it longer than a moment, the status bar shows that. */
export function waitedFor<R>(answer: Promise<R>): Promise<R> {
  const asking = command.getStore();
  if (!asking || asking.over) return answer;
  const done = answer.then(
    () => undefined,
    () => undefined,
  );
  const timer = setTimeout(() => notifyUntil(vscode.l10n.t('Waiting for Earshot…'), done), SOON_MS);
  void done.then(() => clearTimeout(timer));
  return answer;
}
