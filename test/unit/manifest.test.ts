/** What the manifest promises an editor: settings that its page can edit, shortcuts that nobody else takes, menus. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
}
interface Entry {
  command?: string;
  submenu?: string;
  when?: string;
}
const { contributes } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  contributes: {
    configuration: { properties: Record<string, Schema> }[];
    keybindings: { command: string; key: string; mac?: string; when?: string }[];
    menus: Record<string, Entry[]>;
    commands: { command: string }[];
  };
};

/** As the settings page of VS Code has a control for it: a field, a box, a list of words, or a table of them. */
function hasControl({ type, items, properties, additionalProperties }: Schema): boolean {
  const plain = (one: Schema): boolean =>
    typeof one.type === 'string' && /^(string|number|integer|boolean)$/.test(one.type);
  const types = [type].flat().filter(each => each !== 'null');
  if (types.length !== 1) return false;
  if (types[0] === 'array') return items?.type === 'string';
  if (types[0] === 'object') return additionalProperties === false && Object.values(properties ?? {}).every(plain);
  return plain({ type: types[0]! });
}

test('every setting has a control in the settings page; watched folders have a view of their own instead', () => {
  const settings = contributes.configuration.flatMap(({ properties }) => Object.entries(properties));
  assert.ok(settings.length > 40);
  assert.deepEqual(
    settings.filter(([, schema]) => !hasControl(schema)).map(([name]) => name),
    ['earshot.watchedFolders'],
  );
});

/** With what Ubuntu's GNOME is delivered: windows, workspaces, the terminal, pictures of the screen, input methods. */
const GNOME = [
  ...['t', 'd', 'l', 'delete', 'tab', 'escape', 'up', 'down', 'left', 'right'].map(key => `ctrl+alt+${key}`),
  ...['up', 'down', 'left', 'right', 'tab', 'escape', 'r'].map(key => `ctrl+alt+shift+${key}`),
  ...Array.from({ length: 12 }, (_, n) => `ctrl+alt+f${n + 1}`),
  ...['f1', 'f2', 'f4', 'f7', 'f8', 'f10', 'tab', 'escape', 'space', '`', 'printscreen'].map(key => `alt+${key}`),
  ...['printscreen', 'shift+printscreen', 'ctrl+shift+u', 'ctrl+shift+e', 'ctrl+space'],
];
/** What macOS takes before any program: Spotlight, windows, the Dock, pictures of the screen, VoiceOver, zoom. */
const MACOS = [
  ...['space', 'tab', '`', 'q', 'h', 'm', 'w', ',', 'f5'].map(key => `cmd+${key}`),
  ...['q', '3', '4', '5', '6', '/', 'tab', '`'].map(key => `cmd+shift+${key}`),
  ...['d', 'h', 'm', 'w', 'escape', 'space', '8', '=', '-', 'f5', 't', 'i'].map(key => `cmd+alt+${key}`),
  ...['q', 'f', 'd', 'space', 'c'].map(key => `ctrl+cmd+${key}`),
  ...['q', 'v', 'escape'].map(key => `cmd+alt+shift+${key}`),
  ...['up', 'down', 'left', 'right', 'space', 'f2', 'f3', '1', '2', '3'].map(key => `ctrl+${key}`),
];
const MODIFIERS = ['ctrl', 'cmd', 'alt', 'shift'];
const sorted = (key: string): string => {
  const parts = key.toLowerCase().split('+');
  return [...MODIFIERS.filter(each => parts.includes(each)), ...parts.filter(each => !MODIFIERS.includes(each))].join(
    '+',
  );
};

test('no shortcut is one that Ubuntu or macOS takes, and each has its own for a Mac', () => {
  const [linux, mac] = [new Set(GNOME.map(sorted)), new Set(MACOS.map(sorted))];
  for (const { command, key, mac: onMac, when } of contributes.keybindings) {
    assert.ok(!linux.has(sorted(key)) && !/\b(super|meta|win)\b/.test(key), `${command}: ${key}`);
    assert.ok(!mac.has(sorted(onMac ?? key)), `${command}: ${onMac ?? key}`);
    if (key.includes('ctrl')) assert.ok(onMac?.includes('cmd'), command);
    // A key alone is for what is under way, never for all of the window.
    if (!key.includes('+')) assert.match(when ?? '', /^earshot\.\w+ &&/, command);
  }
});

test('an entry of a menu of the editor says where it applies; of the palette, what needs something pointed at is out', () => {
  const { commandPalette, 'earshot.recording': submenu, ...menus } = contributes.menus;
  for (const [menu, entries] of Object.entries(menus))
    for (const { command, submenu: opens, when } of entries)
      assert.ok(when, `${command ?? opens} in ${menu} is always there`);
  assert.ok(submenu!.length > 3);
  const hidden = new Set(commandPalette!.map(({ command }) => command));
  const pointedAt = Object.entries(menus)
    .filter(([menu]) => menu === 'view/item/context' || menu === 'webview/context')
    .flatMap(([, entries]) => entries.map(({ command }) => command!));
  assert.deepEqual(
    [...new Set(pointedAt)].filter(command => !hidden.has(command) && command !== 'earshot.job.again'),
    [],
  );
});
