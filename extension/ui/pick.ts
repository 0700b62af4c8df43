/**
 * Lists and fields to choose and type in. Nothing else may call the editor's own (the linter sees to it), so that every
 * text in them is text: names steer nothing and become no pictures.
 */
import * as vscode from 'vscode';
import { plainText } from '../../text/markdown.ts';

/** Texts of an item, as they may be shown. Items stay the same objects: whoever gave them finds them again. */
function plainItems<T extends vscode.QuickPickItem>(items: readonly T[]): readonly T[] {
  for (const item of items) {
    item.label = plainText(item.label);
    if (item.description !== undefined) item.description = plainText(item.description);
    if (item.detail !== undefined) item.detail = plainText(item.detail);
  }
  return items;
}

interface PickOptions {
  title: string;
  placeHolder?: string;
  matchOnDescription?: boolean;
}

/** One of the items; undefined: none was chosen. */
export const pick = <T extends vscode.QuickPickItem>(
  items: readonly T[],
  options: PickOptions,
): Thenable<T | undefined> =>
  vscode.window.showQuickPick(plainItems(items), { ...options, title: plainText(options.title) });

/** Any number of the items. */
export const pickSeveral = <T extends vscode.QuickPickItem>(
  items: readonly T[],
  options: PickOptions,
): Thenable<T[] | undefined> =>
  vscode.window.showQuickPick(plainItems(items), { ...options, title: plainText(options.title), canPickMany: true });

/** A list that lives as long as its owner wants; what it is given to show is made plain. */
export function createPick<T extends vscode.QuickPickItem>(): vscode.QuickPick<T> {
  const made = vscode.window.createQuickPick<T>();
  return new Proxy(made, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, name, value: unknown) => {
      if (name === 'items') return Reflect.set(target, name, plainItems(value as readonly T[]), target);
      const isText = (name === 'title' || name === 'placeholder') && typeof value === 'string';
      return Reflect.set(target, name, isText ? plainText(value) : value, target);
    },
  });
}

/** Shows a list until a line is taken, which is answered, or it is left: undefined. The list is over then. */
export function taken<T extends vscode.QuickPickItem>(list: vscode.QuickPick<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<T | undefined>();
  list.onDidAccept(() => {
    resolve(list.activeItems[0]);
    list.hide();
  });
  list.onDidHide(() => {
    resolve(undefined);
    list.dispose();
  });
  list.show();
  return promise;
}

/** A line of text; undefined: given up. */
export const askText = (options: {
  title: string;
  value: string;
  placeHolder?: string;
}): Thenable<string | undefined> => vscode.window.showInputBox({ ...options, title: plainText(options.title) });

/** A secret, which is not shown while it is typed; undefined: given up. */
export async function askSecret(options: { title: string; prompt: string }): Promise<string | undefined> {
  const typed = await vscode.window.showInputBox({
    title: plainText(options.title),
    prompt: plainText(options.prompt),
    password: true,
    ignoreFocusOut: true,
  });
  return typed?.trim() || undefined;
}
