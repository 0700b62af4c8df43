/** npm's lock file, as far as we read it, and a smaller one for this machine. */
interface LockedPackage {
  version?: string;
  integrity?: string;
  os?: string[];
  cpu?: string[];
  dev?: boolean;
  name?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  [other: string]: unknown;
}
/** The part of package-lock.json (version 3) that we read. */
export interface Lock {
  packages: Record<string, LockedPackage>;
  [other: string]: unknown;
}

/**
 * The lock without the packages that `drop` names, and without what only they needed. npm installs what the lock says,
 * so this keeps builds for other devices and platforms off the disk, which npm's own options cannot.
 */
export function cutLock(lock: Lock, drop: (name: string) => boolean): Lock {
  const packages: Record<string, LockedPackage> = {};
  for (const [path, entry] of Object.entries(lock.packages)) {
    const cut = (names: Record<string, string> | undefined) =>
      names && Object.fromEntries(Object.entries(names).filter(([name]) => !drop(name)));
    packages[path] = {
      ...entry,
      ...(entry.dependencies ? { dependencies: cut(entry.dependencies) } : {}),
      ...(entry.optionalDependencies ? { optionalDependencies: cut(entry.optionalDependencies) } : {}),
    };
  }
  const needed = new Set(['']);
  const visit = (from: string) => {
    const entry = packages[from];
    for (const name of Object.keys({
      ...entry?.dependencies,
      ...entry?.optionalDependencies,
      ...(from ? {} : (entry?.devDependencies as Record<string, string> | undefined)),
    })) {
      const path = resolve(packages, from, name);
      if (path !== null && !needed.has(path)) {
        needed.add(path);
        visit(path);
      }
    }
  };
  visit('');
  return { ...lock, packages: Object.fromEntries(Object.entries(packages).filter(([path]) => needed.has(path))) };
}

/** Node's way of finding a package: in the nearest node_modules, going up. */
function resolve(packages: Record<string, unknown>, from: string, name: string): string | null {
  for (let base = from; ;) {
    const path = `${base ? `${base}/` : ''}node_modules/${name}`;
    if (packages[path]) return path;
    if (!base) return null;
    const cut = base.lastIndexOf('/node_modules/');
    base = cut < 0 ? '' : base.slice(0, cut);
  }
}
