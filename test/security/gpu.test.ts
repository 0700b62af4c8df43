/**
 * A worker on a GPU keeps the driver's devices, shared memory and a socket of its own. What it might do with these, as
 * the policy of a real engine lets it: with listeners, devices and requests to drivers as this machine has them.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { promisify } from 'node:util';
import { engines } from '../../daemon/engines/engines.ts';
import { sandboxSupport } from '../../daemon/workers/sandbox/linux.ts';
import { workerPermissions, type Permissions } from '../../daemon/workers/sandbox/permissions.ts';
import { inSandbox } from '../../daemon/workers/sandbox/sandbox.ts';

const found = sandboxSupport(),
  skip = 'reason' in found ? `nothing takes rights away here: ${found.reason}` : false;
const EPERM = -1,
  EACCES = -13,
  ENOTTY = -25;
/** Terminals, memory, other people's screens, sound, keys and networks: nothing of a GPU's. */
const OTHERS = [
  ...['tty', 'ptmx', 'console', 'mem', 'kmem', 'port', 'kmsg', 'fuse', 'kvm', 'fb0', 'snd', 'input', 'video0'],
  ...['net/tun', 'loop-control', 'vhost-net', 'uinput', 'hidraw0', 'sda', 'nvme0n1', 'mapper/control', 'autofs'],
].map(name => `/dev/${name}`);
/** Requests by kind: what a terminal types, flags of files, file systems, disks, networks, cameras, keys, KVM. */
const REQUESTS = {
  TIOCSTI: 0x5412,
  TIOCLINUX: 0x541c,
  FS_IOC_SETFLAGS: 0x4008_6602,
  FIFREEZE: 0xc004_5877,
  BLKDISCARD: 0x1277,
  SIOCSIFADDR: 0x8916,
  VIDIOC_QUERYCAP: 0x8068_5600,
  EVIOCGRAB: 0x4004_4590,
  KVM_CREATE_VM: 0xae01,
  TUNSETIFF: 0x4004_54ca,
};
/** Of NVIDIA's driver, its memory's, DRM's and AMD's: they come to the driver, which here is none. */
const DRIVERS = {
  NV_ESC_CARD_INFO: 0xc000_46c8,
  UVM_INITIALIZE: 0x0001,
  DRM_IOCTL_VERSION: 0xc040_6400,
  KFD: 0x8008_4b01,
};

interface Tried {
  sockets: Record<string, number>;
  opened: Record<string, string>;
  requests: Record<string, number>;
  drivers: Record<string, number>;
  files: Record<string, string>;
}

/** In the sandbox. */
const ATTACK = `
  import fs from 'node:fs';
  import { spawnSync } from 'node:child_process';
  import { createRequire } from 'node:module';
  const { KOFFI, path, name, cache, others, requests, drivers } = JSON.parse(process.argv[1]);
  const koffi = createRequire(KOFFI)('koffi'), libc = koffi.load(null);
  const of = (result) => result < 0 ? -koffi.errno() : result;
  const socket = libc.func('socket', 'int', ['int', 'int', 'int']),
    connect = libc.func('connect', 'int', ['int', 'void *', 'uint']),
    bind = libc.func('bind', 'int', ['int', 'void *', 'uint']), listen = libc.func('listen', 'int', ['int', 'int']),
    accept = libc.func('accept', 'int', ['int', 'void *', 'void *']),
    sendto = libc.func('sendto', 'long', ['int', 'void *', 'size_t', 'int', 'void *', 'uint']),
    ioctl = libc.func('ioctl', 'int', ['int', 'ulong', 'void *']);
  const address = text => Buffer.concat([Buffer.from([1, 0]), Buffer.from(text)]);
  const outside = { file: address(path + '\\0'), abstract: address('\\0' + name) }, sockets = {};
  for (const [where, to] of Object.entries(outside))
    for (const [kind, number] of Object.entries({ stream: 1, packets: 5 })) {
      const fd = of(socket(1, number, 0));
      sockets['connect ' + kind + ' ' + where] = of(connect(fd, to, to.length));
      sockets['send ' + kind + ' ' + where] = of(sendto(fd, Buffer.from('x'), 1, 0x4000, to, to.length));
    }
  sockets.datagrams = of(socket(1, 2, 0));
  const own = of(socket(1, 1, 0)), mine = address('\\0' + name + '-own');
  sockets['bind in its cache'] = of(bind(own, address(cache + '/socket\\0'), cache.length + 10));
  sockets['bind in shared memory'] = of(bind(own, address('/dev/shm/' + name + '\\0'), name.length + 12));
  bind(own, mine, mine.length); listen(own, 1);
  sockets.accept = of(accept(own, null, null));
  const attempt = work => { try { work(); return 'done'; } catch (error) { return error.code; } };
  const opened = {};
  for (const each of others)
    for (const how of [0, 2]) opened[each + ' ' + how] = attempt(() => fs.closeSync(fs.openSync(each, how)));
  const end = fs.openSync('/dev/null', 'r'),
    ask = number => of(ioctl(end, number, Buffer.alloc(128))),
    asked = list => Object.fromEntries(Object.entries(list).map(([request, number]) => [request, ask(number)]));
  const script = cache + '/run', shared = '/dev/shm/' + name + '-run', files = {};
  for (const [where, file] of [['cache', script], ['shared memory', shared]]) {
    files['write into ' + where] = attempt(() => fs.writeFileSync(file, '#!/bin/sh\\n', { mode: 0o700 }));
    files['run from ' + where] = spawnSync(file).error?.code ?? 'done';
    fs.rmSync(file, { force: true });
  }
  const mknod = libc.func('mknod', 'int', ['str', 'uint', 'ulong']);
  files['device in its cache'] = of(mknod(cache + '/null', 0o20600, 0x103)) < 0 ? 'refused' : 'done';
  console.log(JSON.stringify({ sockets, opened, requests: asked(requests), drivers: asked(drivers), files }));`;

/** A `/dev` of its own for what follows: the usual devices, and plain files that are named in the arguments. */
const OWN_DEV = `set -e
  old="$1/dev"; mkdir "$old"; mount --bind /dev "$old"; mount -t tmpfs none /dev
  for name in null zero full random urandom; do : > /dev/$name; mount --bind "$old/$name" /dev/$name; done
  mkdir /dev/shm; shift
  program=$1; script=$2; home=$3; shift 3
  for name; do mkdir -p "$(dirname "/dev/$name")"; : > "/dev/$name"; done
  exec "$program" --disable-warning=ExperimentalWarning "$script" "$home" "$@"`;
const OF_DRIVERS = [
  ...['nvidia0', 'nvidia15', 'nvidiactl', 'nvidia-modeset', 'nvidia-uvm', 'nvidia-uvm-tools'],
  ...['nvidia-caps/nvidia-cap1', 'dri/renderD128', 'kfd', 'dxg'],
];
const OF_OTHERS = [
  ...['sda', 'nvme0n1', 'mem', 'kvm', 'fuse', 'tty', 'console', 'uinput', 'hidraw0', 'video0', 'vhost-net'],
  ...['nvidia', 'nvidia0-other', 'nvidiactl2', 'kfd0', 'driver', 'net/tun', 'input/event0', 'snd/pcmC0D0c'],
];
const unshare = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];
const ownDev =
  process.platform === 'linux' &&
  spawnSync('unshare', [...unshare, 'mount', '-t', 'tmpfs', 'none', '/dev'], { stdio: 'ignore' }).status === 0
    ? false
    : 'no process has a /dev of its own here';

test(
  "files in the place of devices: a worker opens the drivers' and no others, and without a GPU none",
  { skip: skip || ownDev, timeout: 180_000 },
  async t => {
    const home = mkdtempSync(join(tmpdir(), 'earshot-dev-'));
    t.after(() => rmSync(home, { recursive: true }));
    const args = ['-c', OWN_DEV, 'sh', home, process.execPath, join(import.meta.dirname, 'devices.ts'), home];
    const { stdout } = await promisify(execFile)('unshare', [...unshare, 'sh', ...args, ...OF_DRIVERS, ...OF_OTHERS]);
    const [gpu, cpu] = JSON.parse(stdout) as Record<string, string>[];
    for (const name of [...OF_DRIVERS, ...OF_OTHERS]) {
      assert.equal(gpu![name], OF_DRIVERS.includes(name) ? 'opened' : 'EACCES', name);
      assert.equal(cpu![name], 'EACCES', name);
    }
  },
);

describe('a worker on a GPU', { skip, timeout: 180_000 }, () => {
  let home: string,
    permissions: Permissions,
    tried: Tried,
    connections = 0;
  const listeners: Server[] = [];
  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'earshot-gpu-'));
    const [audio, cache] = [join(home, 'audio'), join(home, 'cache')];
    mkdirSync(audio);
    permissions = workerPermissions({
      engine: engines.find(({ id }) => id === 'llama')!,
      context: {
        card: {} as never,
        runtime: () => join(home, 'runtime'),
        device: { kind: 'gpu', index: 0, uuid: 'GPU-0' } as never,
        threads: 1,
      },
      program: process.execPath,
      env: process.env,
      directories: [],
      audio,
      cache,
    })!;
    const path = join(home, 'agent.sock'),
      name = `earshot-${process.pid}-${Date.now()}`;
    for (const where of [path, `\0${name}`]) {
      const server = createServer(() => connections++);
      listeners.push(server);
      await new Promise<void>(resolve => server.listen(where, resolve));
    }
    const target = {
        KOFFI: import.meta.filename,
        path,
        name,
        cache,
        others: OTHERS,
        requests: REQUESTS,
        drivers: DRIVERS,
      },
      { program, args } = inSandbox(
        { program: process.execPath, args: ['--input-type=module', '-e', ATTACK, JSON.stringify(target)] },
        permissions,
      );
    tried = JSON.parse((await promisify(execFile)(program, args)).stdout) as Tried;
  });
  after(() => {
    for (const server of listeners) server.close();
    rmSync(home, { recursive: true });
  });

  it('reaches nobody by its socket: no agent, no server, no name; and nobody reaches it', () => {
    for (const [name, answer] of Object.entries(tried.sockets)) assert.ok(answer < 0, `${name}: ${answer}`);
    for (const name of ['connect stream file', 'connect packets abstract', 'datagrams', 'accept'])
      assert.equal(tried.sockets[name], EPERM, name);
    for (const name of ['bind in its cache', 'bind in shared memory']) assert.equal(tried.sockets[name], EACCES, name);
    assert.equal(connections, 0);
  });

  it("opens the driver's devices and no others", () => {
    const devices = permissions.write.filter(path => path.startsWith('/dev/'));
    for (const path of devices)
      assert.match(
        path,
        /^\/dev\/(null|zero|full|u?random|shm|nvidia(\d+|ctl|-modeset|-uvm|-uvm-tools|-caps)|dri|kfd|dxg)$/,
      );
    assert.ok(Object.keys(tried.opened).some(name => existsSync(name.split(' ')[0]!)));
    for (const [name, answer] of Object.entries(tried.opened)) {
      const there = existsSync(name.split(' ')[0]!);
      assert.ok(there ? answer === 'EACCES' || answer === 'EPERM' : answer !== 'done', `${name}: ${answer}`);
    }
  });

  it("asks the GPU's drivers alone", () => {
    for (const [name, answer] of Object.entries(tried.requests)) assert.equal(answer, EPERM, name);
    for (const [name, answer] of Object.entries(tried.drivers)) assert.equal(answer, ENOTTY, name);
  });

  it('runs nothing of what it writes, and makes no device', () => {
    const { files } = tried;
    assert.deepEqual([files['write into cache'], files['run from cache']], ['done', 'EACCES']);
    assert.equal(files['write into shared memory'], 'EACCES');
    assert.equal(files['device in its cache'], 'refused');
  });
});
