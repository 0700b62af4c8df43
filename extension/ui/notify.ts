/**
 * Notifications and questions. Nothing else may call the editor's own (the linter sees to it), so that every text in
 * them is text: no file name becomes a link.
 */
import * as vscode from 'vscode';
import { withoutLinks } from '../../text/markdown.ts';
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
      const picked = await show(withoutLinks(text), ...actions.map(action => action.title));
      await actions.find(action => action.title === picked)?.run();
    };
    act().catch((error: unknown) => void vscode.window.showErrorMessage(withoutLinks(errorText(error))));
  };

/** Shows a text in a corner of the window, with a button for each action. */
export const notify = {
  info: notifier((message, ...titles) => vscode.window.showInformationMessage(message, ...titles)),
  warn: notifier((message, ...titles) => vscode.window.showWarningMessage(message, ...titles)),
  error: notifier((message, ...titles) => vscode.window.showErrorMessage(message, ...titles)),
};

/** Asks before something happens; true when the button was pressed. */
export async function confirm(question: string, button: string, detail?: string): Promise<boolean> {
  const options = { modal: true, ...(detail === undefined ? {} : { detail }) };
  return (await vscode.window.showWarningMessage(withoutLinks(question), options, button)) === button;
}
