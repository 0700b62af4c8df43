/**
 * The walls of the house (.dependency-cruiser.cjs), checked on our modules as JavaScript: dependency-cruiser reads
 * TypeScript by a compiler interface that TypeScript 7 does not have. Types are stripped but every import is kept,
 * those of types too, since a wall holds for both.
 */
import { cruise } from 'dependency-cruiser';
import { transform } from 'esbuild';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOTS = ['schemas', 'client', 'text', 'cli', 'daemon', 'extension', 'webview'];
const TYPE_IMPORT = /^(import|export) type (?=[{*]|\w+ from)/gm;
const LOCAL_TS = /(["'])(\.{1,2}\/[^"'\n]+)\.ts\1/g;

export interface Breach {
  rule: string;
  from: string;
  to: string;
}

/** Breaches of the rules in the tree at `root`, with paths as they are there; `modules`: how many were read. */
export async function breaches(root: string): Promise<{ breaches: Breach[]; modules: number }> {
  const config = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as {
    forbidden: object[];
    options: object;
  };
  const copy = mkdtempSync(join(tmpdir(), 'earshot-walls-'));
  try {
    const files = globSync(
      ROOTS.map(folder => `${folder}/**/*.ts`),
      { cwd: root },
    ).filter(file => !file.endsWith('.d.ts'));
    await Promise.all(
      files.map(async file => {
        const source = readFileSync(join(root, file), 'utf8').replace(TYPE_IMPORT, '$1 ');
        const { code } = await transform(source, {
          loader: 'ts',
          format: 'esm',
          tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
        });
        const target = join(copy, file.replace(/\.ts$/, '.mjs'));
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, code.replace(LOCAL_TS, '$1$2.mjs$1'));
      }),
    );
    symlinkSync(join(import.meta.dirname, '..', 'node_modules'), join(copy, 'node_modules'));
    const rules = JSON.parse(
      JSON.stringify(config.forbidden).replaceAll('\\\\.ts$', '\\\\.mjs$').replaceAll('\\\\.ts)', '\\\\.mjs)'),
    ) as object[];
    const { output } = await cruise(ROOTS, {
      ...config.options,
      validate: true,
      baseDir: copy,
      ruleSet: { forbidden: rules },
    } as never);
    if (typeof output === 'string') throw new Error(output);
    const named = (path: string): string => (path.includes('node_modules/') ? path : path.replace(/\.mjs$/, '.ts'));
    return {
      breaches: output.summary.violations.map(({ rule, from, to }) => ({
        rule: rule.name,
        from: named(from),
        to: named(to),
      })),
      modules: files.length,
    };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { breaches: found } = await breaches(join(import.meta.dirname, '..'));
  for (const { rule, from, to } of found) console.log(`${rule}: ${from} → ${to}`);
  if (found.length) process.exitCode = 1;
}
