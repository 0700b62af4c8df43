/** The list of system calls, run as the kernel would, for both architectures. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemCallFilter, type Allowance } from '../../daemon/workers/sandbox/seccomp.ts';
import { attacks } from '../security/attacker.ts';

const AUDIT = { x64: 0xc000_003e, arm64: 0xc000_00b7 },
  ALLOW = 0x7fff_0000;
const refused = (error: number): number => 0x0005_0000 | error;
const EPERM = refused(1),
  ENOSYS = refused(38);

/** What the program answers to a call: the few instructions that it is made of. */
function answer(program: Buffer, call: { arch: number; number: number; args?: readonly (number | bigint)[] }): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.arch, 4);
  for (const [n, value] of (call.args ?? []).entries()) data.writeBigInt64LE(BigInt(value), 16 + 8 * n);
  let value = 0;
  for (let at = 0; ;) {
    const [code, yes, no, k] = [
      program.readUInt16LE(at * 8),
      program[at * 8 + 2]!,
      program[at * 8 + 3]!,
      program.readUInt32LE(at * 8 + 4),
    ];
    at += 1;
    if (code === 0x20) value = data.readUInt32LE(k);
    else if (code === 0x54) value = (value & k) >>> 0;
    else if (code === 0x05) at += k;
    else if (code === 0x15) at += value === k ? yes : no;
    else if (code === 0x35) at += value >= k ? yes : no;
    else if (code === 0x06) return k;
    else throw new Error(`instruction ${code}`);
  }
}

for (const machine of ['x64', 'arm64'] as const)
  describe(`the list of system calls on ${machine}`, () => {
    const filter = (more: Partial<Allowance> = {}): Buffer =>
        systemCallFilter({ machine, abi: 1, network: false, gpu: false, atWork: false, pid: 77, ...more }),
      ask = (program: Buffer, number: number, ...args: (number | bigint)[]): number =>
        answer(program, { arch: AUDIT[machine], number, args });
    const number = (x64: number, arm64: number): number => (machine === 'x64' ? x64 : arm64);

    test('is one that a kernel takes', () => {
      const program = filter({ network: true, atWork: true });
      assert.ok(program.length / 8 <= 4096);
      assert.equal(answer(program, { arch: AUDIT[machine === 'x64' ? 'arm64' : 'x64'], number: 0 }), EPERM);
      assert.equal(answer(program, { arch: 0x4000_0003, number: 3 }), EPERM, '32-bit calls');
    });
    test('refuses every attack by itself where Landlock is of its first version', () => {
      const program = filter(),
        target = { secret: 's', recording: 'r', place: 'p', pid: 99 };
      for (const [name, [x64, arm64, ...args]] of Object.entries(attacks(target, 9))) {
        const call = machine === 'x64' ? x64 : arm64;
        if (call === null) continue;
        const given = args.map(each => (typeof each === 'number' ? each : 0x7fff_1234_5678n));
        assert.notEqual(ask(program, call, ...given), ALLOW, name);
      }
    });
    test('allows what programs need', () => {
      const program = filter(),
        THREAD = 0x3d_0f00;
      for (const [what, call, ...args] of [
        ['read', number(0, 63)],
        ['openat to read', number(257, 56), -100, 0, 0o2000000],
        ['openat to write anew', number(257, 56), -100, 0, 0o1101],
        ['a thread', number(56, 220), THREAD],
        ['a child', number(56, 220), 17],
        ['execve', number(59, 221)],
        ['a pair of pipes', number(53, 199), 1, 0o2000001],
        ['a terminal?', number(16, 29), 1, 0x5401],
        ['its own limits', number(302, 261), 0, 3],
        ['to end itself', number(62, 129), 77, 6],
        ['exit_group', number(231, 94)],
        ['mmap', number(9, 222)],
        ['futex', number(202, 98)],
      ] as const)
        assert.equal(ask(program, call, ...args), ALLOW, what);
    });
    test('looks at all of an argument that the kernel looks at', () => {
      assert.equal(ask(filter(), number(41, 198), 0x1_0000_0002n, 1), EPERM, 'a family with more above it');
      assert.equal(ask(filter(), number(56, 220), 0x1000_0011n), EPERM, 'a namespace among other flags');
      assert.equal(ask(filter(), 435), ENOSYS, 'flags behind a pointer');
    });
    test('a ring that is there already is all that a program at work keeps', () => {
      assert.equal(ask(filter(), 426), ENOSYS);
      assert.equal(ask(filter({ atWork: true }), 426), ALLOW);
      for (const call of [425, 427]) assert.equal(ask(filter({ atWork: true }), call), ENOSYS);
    });
  });
