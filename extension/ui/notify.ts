/**
 * Notifications, questions and progress. Nothing else may call the editor's own (the linter sees to it), so that every
 * text in them is text: no file name becomes a link.
 */
import * as vscode from 'vscode';
import { plainText } from '../../text/markdown.ts';
import { errorText } from './words.ts';

/** A button of a notification. What goes wrong in `run` is a notification of its own. */
export interface Action {
  title: string;
  run: () => unknown;
}

type Show = (message: string, ...titles: string[]) => Thenable<string | undefined>;

const notifier =
  (show: Show) =>
  (text: string, ...actions: readonly Action[]): void => {
    const act = async (): Promise<void> => {
      const picked = await show(plainText(text), ...actions.map(action => action.title));
      await actions.find(action => action.title === picked)?.run();
    };
    act().catch((error: unknown) => void vscode.window.showErrorMessage(plainText(errorText(error))));
  };

/** Shows a text in a corner of the window, with a button for each action. */
export const notify = {
  info: notifier((message, ...titles) => vscode.window.showInformationMessage(message, ...titles)),
  warn: notifier((message, ...titles) => vscode.window.showWarningMessage(message, ...titles)),
  error: notifier((message, ...titles) => vscode.window.showErrorMessage(message, ...titles)),
};

/** Shows a text in the status bar for a while. */
export const notifyBriefly = (text: string, ms: number): void =>
  void vscode.window.setStatusBarMessage(plainText(text), ms);

/** Shows in the status bar that something goes on, until it has ended. */
export const notifyUntil = (text: string, end: Thenable<unknown>): void =>
  void vscode.window.setStatusBarMessage(`$(loading~spin) ${plainText(text)}`, end);

/** Asks before something happens; true when the button was pressed. */
export async function confirm(question: string, button: string, detail?: string): Promise<boolean> {
  const options = { modal: true, ...(detail === undefined ? {} : { detail: plainText(detail) }) };
  return (await vscode.window.showWarningMessage(plainText(question), options, button)) === button;
}

type Progress = vscode.Progress<{ message?: string; increment?: number }>;

/** Does the work while the editor shows that it goes on. */
export function withProgress<R>(
  options: vscode.ProgressOptions,
  work: (progress: Progress, token: vscode.CancellationToken) => Thenable<R>,
): Thenable<R> {
  return vscode.window.withProgress(
    { ...options, ...(options.title === undefined ? {} : { title: plainText(options.title) }) },
    (progress, token) =>
      work(
        {
          report: ({ message, ...rest }) =>
            progress.report({ ...rest, ...(message === undefined ? {} : { message: plainText(message) }) }),
        },
        token,
      ),
  );
}
