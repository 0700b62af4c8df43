/**
 * Bundles the extension and its pages into dist/. `node scripts/build-extension.ts [--production]`; the project's own
 * build (esbuild.mjs) calls the same, and watches.
 */
import { build, type BuildOptions } from 'esbuild';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '..', '..'),
  DIST = join(root, 'dist');
/** `watch` takes what would be built, to build it now and at every change. */
export interface ExtensionBuild {
  production?: boolean;
  /** Absolute; `dist` of the project where none is given. */
  out?: string;
  watch?: (options: BuildOptions) => Promise<unknown>;
}

function options({ production = false, out = DIST }: ExtensionBuild): BuildOptions[] {
  const common: BuildOptions = {
    absWorkingDir: root,
    bundle: true,
    sourcemap: production ? false : 'linked',
    minify: production,
    logLevel: 'warning',
  };
  return [
    // CommonJS, because that is what every version of VS Code loads; modules that are imported on demand stay
    // unevaluated until then.
    {
      ...common,
      entryPoints: [
        { in: 'extension/main.ts', out: 'extension' },
        { in: 'extension/uninstall.ts', out: 'uninstall' },
      ],
      outdir: out,
      outExtension: { '.js': '.cjs' },
      format: 'cjs',
      platform: 'node',
      target: 'node22',
      external: ['vscode'],
      define: { 'import.meta.url': 'undefined' },
    },
    {
      ...common,
      entryPoints: ['queue', 'devices', 'transcript'].flatMap(page => [
        { in: `webview/${page}/main.ts`, out: page },
        { in: `webview/${page}/style.css`, out: page },
      ]),
      outdir: join(out, 'webview'),
      format: 'iife',
      platform: 'browser',
      target: 'chrome128',
      define: { 'process.env.NODE_ENV': '"production"' },
      minifyWhitespace: true,
      minifySyntax: true,
    },
  ];
}

export async function buildExtension(how: ExtensionBuild = {}): Promise<void> {
  const webview = join(how.out ?? DIST, 'webview');
  mkdirSync(webview, { recursive: true });
  for (const file of ['codicon.css', 'codicon.ttf'])
    copyFileSync(join(root, 'node_modules/@vscode/codicons/dist', file), join(webview, file));
  if (how.watch) await Promise.all(options(how).map(how.watch));
  else await Promise.all(options(how).map(o => build(o)));
}

if (import.meta.main) await buildExtension({ production: process.argv.includes('--production') });
