/** What each runtime is made of on this machine: lock files, what is left out of them, and how much room it takes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RuntimeId } from '../contracts/engine.ts';
import { cutLock, type Lock } from './lock.ts';
import { isOlderMac } from './python.ts';
import type { LockedWheel } from './wheel.ts';

const MiB = 1024 ** 2;
const HERE = import.meta.dirname;

interface WheelLock {
  package: string;
  version: string;
  /** By platform and processor. */
  wheels: Record<string, { file: string; sha256: string }>;
}

export interface Machine {
  platform: NodeJS.Platform;
  arch: string;
  /** The system's own version: on macOS, Darwin's. Missing: a new one. */
  release?: string;
  /** An NVIDIA GPU is there and wanted. */ nvidia: boolean;
}

export type Pack =
  | {
      kind: 'python';
      hash: string;
      requirements: string;
      /** Rough size when installed; for the disk check and for progress. */ bytes: number;
    }
  | { kind: 'npm'; hash: string; manifest: string; lock: Lock; bytes: number }
  /** `wheel` null: none is published for this machine. */
  | { kind: 'wheel'; hash: string; wheel: LockedWheel | null; bytes: number };

/** Runtimes that are Node packages. */
export type NpmRuntime = Exclude<RuntimeId, 'python' | 'ffmpeg'>;

/** The native builds of node-llama-cpp that this machine uses; '' in the name: none is published for it. */
export function llamaBuilds({ platform, arch, nvidia }: Machine): string[] {
  const system = platform === 'win32' ? 'win' : platform === 'darwin' ? 'mac' : platform;
  const cpu =
    system === 'mac' && arch === 'arm64'
      ? 'mac-arm64-metal'
      : system === 'linux' && arch === 'arm'
        ? 'linux-armv7l'
        : `${system}-${arch}`;
  // cuda-ext carries the kernels of GPUs that the plain build leaves out.
  const cuda =
    nvidia && arch === 'x64' && (system === 'linux' || system === 'win') ? [`${cpu}-cuda`, `${cpu}-cuda-ext`] : [];
  return [cpu, ...cuda].map(name => `@node-llama-cpp/${name}`);
}

/** Packages of a lock that this machine does without. */
function unwanted(id: NpmRuntime, machine: Machine): (name: string) => boolean {
  if (id === 'llama') {
    const builds = llamaBuilds(machine);
    return name => name.startsWith('@node-llama-cpp/') && !builds.includes(name);
  }
  // Of the VAD package only the model file is used; its own runtime for browsers is 130 MB.
  return name => name === 'onnxruntime-web';
}

/**
 * node-llama-cpp 3.22 is published for Linux alone so far; elsewhere the version before, which cannot tell single
 * probabilities.
 */
const folderOf = (id: NpmRuntime, { platform }: Machine): string =>
  id === 'llama' && platform !== 'linux' ? 'llama-3.21' : id;

/** The pack of a runtime. Its hash changes with everything that decides what gets installed. */
export function pack(id: RuntimeId, machine: Machine): Pack {
  if (id === 'python') {
    const cuda = machine.nvidia && machine.platform !== 'darwin';
    const list = isOlderMac(machine)
        ? 'requirements-older-mac.txt'
        : cuda
          ? 'requirements-cuda.txt'
          : 'requirements.txt',
      requirements = join(HERE, 'python', list);
    return {
      kind: 'python',
      requirements,
      hash: hashOf(readFileSync(requirements, 'utf8')),
      bytes: (cuda ? 2400 : 600) * MiB,
    };
  }
  if (id === 'ffmpeg') {
    const lock = JSON.parse(readFileSync(join(HERE, 'ffmpeg', 'wheels.json'), 'utf8')) as WheelLock,
      found = lock.wheels[`${machine.platform}-${machine.arch}`],
      wheel = found ? { package: lock.package, ...found } : null;
    return { kind: 'wheel', wheel, hash: hashOf(JSON.stringify(wheel)), bytes: 90 * MiB };
  }
  const folder = join(HERE, folderOf(id, machine));
  const manifest = readFileSync(join(folder, 'package.json'), 'utf8');
  const lock = cutLock(
    JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as Lock,
    unwanted(id, machine),
  );
  const llama = llamaBuilds(machine).length > 1 ? 1200 : 90,
    bytes = { sherpa: 80, dictionaries: 20, postgres: 80, llama }[id] * MiB;
  return { kind: 'npm', manifest, lock, hash: hashOf(manifest + JSON.stringify(lock)), bytes };
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
