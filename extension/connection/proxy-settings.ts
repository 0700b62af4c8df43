/** The editor's own proxy, for the daemon that this window starts: as the variables that it and its installers read. */
import * as vscode from 'vscode';

/** Nothing where the editor has none set, or is told to use none; the environment holds then. */
export function proxySettings(
  http: Pick<vscode.WorkspaceConfiguration, 'get'> = vscode.workspace.getConfiguration('http'),
): Record<string, string> {
  const proxy = http.get<string>('proxy')?.trim();
  if (!proxy || http.get<string>('proxySupport') === 'off') return {};
  const direct = http.get<string[]>('noProxy') ?? [];
  return { http_proxy: proxy, https_proxy: proxy, ...(direct.length > 0 ? { no_proxy: direct.join(',') } : {}) };
}
