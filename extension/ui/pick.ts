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

/** One of the items, first the one that is `picked`; undefined: none was chosen. */
export function pick<T extends vscode.QuickPickItem>(
  items: readonly T[],
  options: PickOptions,
): Promise<T | undefined> {
  const list = listOf(items, options);
  const picked = items.filter(item => item.picked);
  // Given none, the editor would make no line active, and Enter would take nothing.
  if (picked.length > 0) list.activeItems = picked;
  return taken(list);
}

/** Any number of the items, first those that are `picked`; undefined: given up. */
export function pickSeveral<T extends vscode.QuickPickItem>(
  items: readonly T[],
  options: PickOptions,
): Promise<readonly T[] | undefined> {
  const list = listOf(items, options);
  list.canSelectMany = true;
  list.selectedItems = items.filter(item => item.picked);
  return answered(list, () => list.selectedItems);
}

function listOf<T extends vscode.QuickPickItem>(
  items: readonly T[],
  { title, placeHolder, matchOnDescription = false }: PickOptions,
): vscode.QuickPick<T> {
  const list = createPick<T>();
  list.title = title;
  list.placeholder = placeHolder;
  list.matchOnDescription = matchOnDescription;
  list.items = items;
  return list;
}

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
export const taken = <T extends vscode.QuickPickItem>(list: vscode.QuickPick<T>): Promise<T | undefined> =>
  answered(list, () => list.activeItems[0]);

/**
 * Shows a list or a field until it is answered, or left: undefined. It is over then.
 *
 * It is gone only after whoever gets the answer had a turn: a list shown then takes its place. Hidden in between, the
 * editor gives the focus back to what had it before, and a webview takes it so late that the next list loses it and
 * closes. So nothing waits for the editor between two lists.
 *
 * @param answer what Enter says now; undefined: nothing yet
 */
export function answered<T>(
  input: vscode.QuickInput & { readonly onDidAccept: vscode.Event<void> },
  answer: () => T | undefined,
): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<T | undefined>();
  input.onDidAccept(() => {
    const value = answer();
    if (value === undefined) return;
    resolve(value);
    setImmediate(() => input.dispose());
  });
  input.onDidHide(() => {
    resolve(undefined);
    input.dispose();
  });
  input.show();
  return promise;
}

/** A line of text; undefined: given up. */
export function askText(options: { title: string; value: string; placeHolder?: string }): Promise<string | undefined> {
  const field = vscode.window.createInputBox();
  field.title = plainText(options.title);
  field.value = options.value;
  field.placeholder = options.placeHolder;
  return answered(field, () => field.value);
}

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
