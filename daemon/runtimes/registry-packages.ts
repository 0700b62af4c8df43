/**
 * Locked packages without npm: each archive from the registry that the user configured, taken only when it is what the
 * lock says. For machines that have an editor and nothing else.
 */
import { createReadStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { makeFolder } from '../../client/files.ts';
import type { RuntimeId } from '../contracts/engine.ts';
import { useNetwork } from '../system/network.ts';
import { accepted, ask, fetchFailure, keep, persistently, Refused, textOf } from './download.ts';
import type { Lock } from './lock.ts';
import { unpack } from './tarball.ts';

const USUAL = 'https://registry.npmjs.org/';
const AT_ONCE = 4;

export interface Registry {
  /** Where a package is asked for, with / at the end; scopes may have their own. */
  of(name: string): string;
  /** What a request must say of who asks, by its address. */
  authorization(url: string): string | undefined;
}

/** As npm reads it: the environment before the user's file. Values may name variables: ${NPM_TOKEN}. */
export function registryOf(npmrc: string, env: NodeJS.ProcessEnv): Registry {
  const settings = new Map<string, string>();
  for (const line of npmrc.split(/\r?\n/)) {
    const equals = line.indexOf('='),
      key = line.slice(0, equals).trim(),
      value = line.slice(equals + 1).trim();
    if (equals > 0 && !/^[#;]/.test(key))
      settings.set(
        key,
        value.replace(/^"(.*)"$/, '$1').replaceAll(/\$\{(\w+)\}/g, (all, name: string) => env[name] ?? all),
      );
  }
  for (const [name, value] of Object.entries(env)) {
    const key = /^npm_config_(.+)$/i.exec(name)?.[1];
    if (key && value) settings.set(key.startsWith('//') || key.startsWith('@') ? key : key.toLowerCase(), value);
  }
  const whole = (url: string): string => (url.endsWith('/') ? url : `${url}/`);
  return {
    of: name => {
      const scope = /^@[^/]+/.exec(name)?.[0];
      return whole((scope && settings.get(`${scope}:registry`)) || settings.get('registry') || USUAL);
    },
    authorization(url) {
      const { host, pathname } = new URL(url);
      // The nearest: //host/path/:_authToken is for all below it.
      for (
        let path = `//${host}${pathname}`;
        path.length > 2;
        path = path.slice(0, path.lastIndexOf('/', path.length - 2) + 1)
      ) {
        const at = path.endsWith('/') ? path : `${path}/`,
          token = settings.get(`${at}:_authToken`),
          basic = settings.get(`${at}:_auth`);
        if (token) return `Bearer ${token}`;
        if (basic) return `Basic ${basic}`;
      }
      return undefined;
    },
  };
}

/** The user's own, as far as it can be known without npm. */
async function usersRegistry(env: NodeJS.ProcessEnv): Promise<Registry> {
  const named = Object.entries(env).find(([name]) => name.toLowerCase() === 'npm_config_userconfig')?.[1];
  return registryOf(await readFile(named ?? join(homedir(), '.npmrc'), 'utf8').catch(() => ''), env);
}

interface Wanted {
  /** In the folder: node_modules/… */
  place: string;
  name: string;
  version: string;
  /** "sha512-…", base64. */
  integrity: string;
}

/** A list of what a package is for, or with ! is not for. */
const allows = (list: readonly string[] | undefined, value: string): boolean =>
  !list || (!list.includes(`!${value}`) && (list.every(each => each.startsWith('!')) || list.includes(value)));

/** What of a lock this machine needs. */
export function wantedPackages(lock: Lock, { platform, arch }: { platform: string; arch: string }): Wanted[] {
  return Object.entries(lock.packages).flatMap(([place, entry]) => {
    const { os, cpu, version, integrity, dev, name } = entry;
    if (place === '' || dev || !version || !integrity || !allows(os, platform) || !allows(cpu, arch)) return [];
    return [{ place, version, integrity, name: name ?? place.slice(place.lastIndexOf('node_modules/') + 13) }];
  });
}

export interface FetchPackages {
  runtime: RuntimeId;
  /** Exists. */
  directory: string;
  /** For archives on their way. */
  temporary: string;
  lock: Lock;
  signal: AbortSignal;
  env: NodeJS.ProcessEnv;
  machine?: { platform: string; arch: string };
}

/** @throws engineInstallFailed, cancelled, file system errors */
export async function fetchPackages(wanted: FetchPackages): Promise<void> {
  const { runtime, directory, temporary, lock, signal, env, machine = process } = wanted;
  useNetwork(env);
  const registry = await usersRegistry(env),
    left = wantedPackages(lock, machine),
    stop = new AbortController(),
    either = AbortSignal.any([signal, stop.signal]);
  try {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, n) => {
        const archive = join(temporary, `package-${n}.tgz`);
        for (let next = left.shift(); next; next = left.shift()) {
          const { place } = next,
            one = next;
          await persistently(() => download(one, registry, archive, either), either);
          await unpackInto(join(directory, place), archive, either);
        }
      }),
    );
  } catch (error) {
    stop.abort();
    throw fetchFailure(runtime, error, signal);
  }
}

async function unpackInto(target: string, archive: string, signal: AbortSignal): Promise<void> {
  await makeFolder(target, 0o777);
  await pipeline(createReadStream(archive), createGunzip(), source => unpack(source as AsyncIterable<Buffer>, target), {
    signal,
  });
  await rm(archive, { force: true });
}

/** Registries keep archives under the package's name; one that does not says where. */
async function download(
  { name, version, integrity }: Wanted,
  registry: Registry,
  archive: string,
  signal: AbortSignal,
): Promise<void> {
  const get = (url: string): Promise<Response> => ask(url, signal, { authorization: registry.authorization(url) });
  const base = registry.of(name);
  let response = await get(`${base}${name}/-/${name.split('/').at(-1)!}-${version}.tgz`);
  if (response.status === 404) {
    await response.body?.cancel();
    const about = await get(`${base}${name.replace('/', '%2f')}/${version}`);
    const said =
      about.ok && about.body
        ? (JSON.parse(await textOf(about.body)) as { dist?: { tarball?: string } }).dist?.tarball
        : undefined;
    if (!said) throw new Refused(`${name} ${version} is not at ${new URL(base).host}`);
    response = await get(new URL(said, base).href);
  }
  const [, algorithm, digest] = /^(sha\d+)-([\w+/=]+)/.exec(integrity) ?? [];
  if (!algorithm || !digest) throw new Refused(`${name} has no digest in the lock`);
  await keep((await accepted(response)).body, archive, { algorithm, digest, encoding: 'base64' });
}
