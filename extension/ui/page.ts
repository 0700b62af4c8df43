/** The HTML around every page of ours: its words, a nonce, and nothing else that may run. */
import * as vscode from 'vscode';
import { randomBytes } from 'node:crypto';

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

export interface PageOptions {
  webview: vscode.Webview;
  extensionUri: vscode.Uri;
  /** The bundle's name in dist/webview. */
  name: string;
  title: string;
  /** More sources for media, for the player. */
  media?: string;
  /** Given to the page beside its words. */
  extra?: Record<string, unknown>;
}

/** What a page may: run its scripts, and load from these places. */
export const pageOptions = (...localResourceRoots: vscode.Uri[]): vscode.WebviewOptions => ({
  enableScripts: true,
  enableForms: false,
  localResourceRoots,
});

export function pageHtml({ webview, extensionUri, name, title, media, extra }: PageOptions): string {
  const nonce = randomBytes(16).toString('base64');
  const at = (file: string): string =>
    webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, 'dist', 'webview', file)).toString();
  // What default-src does not reach stands for itself: forms, and where addresses begin.
  const csp = [
    `default-src 'none'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource} data:`,
    `script-src 'nonce-${nonce}'`,
    ...(media ? [`media-src ${media}`, `connect-src ${media}`] : []),
  ].join('; ');
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
<body data-page="${escape(page)}">
  <main><h1 class="sr">${escape(title)}</h1></main>
  <script nonce="${nonce}" src="${escape(at(`${name}.js`))}"></script>
</body>
</html>`;
}
