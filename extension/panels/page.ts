/** The HTML around every page of ours: its words, a nonce, and nothing else that may run. */
import * as vscode from 'vscode';
import { randomBytes } from 'node:crypto';

const escape = (text: string): string => text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

export interface PageOptions {
  webview: vscode.Webview; extensionUri: vscode.Uri;
  /** The bundle's name in dist/webview. */
  name: string;
  title: string;
  /** More sources for media, for the player. */
  media?: string;
  /** Given to the page beside its words. */
  extra?: Record<string, unknown>;
}

export function pageHtml({ webview, extensionUri, name, title, media, extra }: PageOptions): string {
  const nonce = randomBytes(16).toString('base64');
  const at = (file: string): string => webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, 'dist', 'webview', file)).toString();
  const csp = [`default-src 'none'`, `style-src ${webview.cspSource}`, `font-src ${webview.cspSource}`, `img-src ${webview.cspSource} data:`, `script-src 'nonce-${nonce}'`,
    ...(media ? [`media-src ${media}`, `connect-src ${media}`] : [])].join('; ');
  const page = JSON.stringify({ language: vscode.env.language, strings: vscode.l10n.bundle ?? {}, ...extra });
  return `<!DOCTYPE html>
<html lang="${escape(vscode.env.language)}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${escape(csp)}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${escape(at('codicon.css'))}" id="vscode-codicon-stylesheet">
  <link rel="stylesheet" href="${escape(at(`${name}.css`))}">
  <title>${escape(title)}</title>
</head>
<body data-page="${escape(page)}"><main><h1 class="sr">${escape(title)}</h1></main><script nonce="${nonce}" src="${escape(at(`${name}.js`))}"></script></body>
</html>`;
}

/** What a page sends, checked; anything else is dropped and logged. The check is compiled when the first message comes. */
export function checked<T>(schema: () => Promise<{ Check(value: unknown): boolean }>, take: (message: T) => void, refuse: (message: unknown) => void): (message: unknown) => void {
  let check: Promise<{ Check(value: unknown): boolean }> | null = null;
  return message => {
    check ??= schema();
    void check.then(c => c.Check(message) ? take(message as T) : refuse(message));
  };
}
