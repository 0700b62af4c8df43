/**
 * The fleet's database by itself: who may do what, who goes first, and what a late machine may not write. No daemon
 * runs.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { problemOf } from '../../daemon/fleet/access.ts';
import { Claims, type Taken } from '../../daemon/fleet/claims.ts';
import { once, Pool, type Access, type Query } from '../../daemon/fleet/postgres.ts';
import { testsWithPostgres, type TestPostgres } from '../fixtures/postgres.ts';
import { prepareFleet } from './fleet-world.ts';

const { test, ...postgres } = testsWithPostgres();
let server: TestPostgres;

const as = <T>(login: string, work: (query: Query) => Promise<T>): Promise<T> => once(server.access(login), work);
let number = 0;
/** As a home does; answers its id. */
async function submit(
  query: Query,
  { needs = ['asr:base'], cost = 60, rank = 1, id = `job${number++}`, sound = '{"kind":"root"}' } = {},
): Promise<string> {
  const request = JSON.stringify({ options: {}, models: {} });
  await query('select fleet.submit($1, $2, $3, $4, $5, $6, $7, $8)', [
    id,
    'home1',
    'a name',
    request,
    needs,
    sound,
    cost,
    rank,
  ]);
  return id;
}

describe('the queue of a fleet', { timeout: 300_000 }, () => {
  const pools: Pool[] = [];
  const claims = async (login: string, perPerson: number | null = null): Promise<Claims> => {
    const pool = new Pool({ access: server.access(login), leaseSeconds: 10, sweepSeconds: 1, failed: () => {} });
    pools.push(pool);
    await pool.start();
    return new Claims(pool, login, perPerson);
  };
  const closePools = async (): Promise<void> => {
    await Promise.all(pools.splice(0).map(pool => pool.stop()));
  };
  before(async () => {
    const found = await postgres.start();
    if (!found) return;
    server = found;
    await prepareFleet(server);
  });
  after(async () => {
    await closePools();
    await postgres.stop();
  });

  /** PostgreSQL's "insufficient privilege". */
  const DENIED = '42501';
  const outcome = async (login: string, work: (query: Query) => Promise<unknown>): Promise<unknown> => {
    try {
      return await as(login, work);
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };

  test('people reach their own jobs and nothing else; machines what they work on; chiefs everybody’s', async () => {
    const mine = await as('ann', query => submit(query)),
      sending = await as('ann', query => submit(query, { sound: '{"kind":"chunks"}' }));
    await server.asAdmin(async query => {
      await query(`insert into fleet.result (job, index, stage, output, machine) values ($1, 0, 'asr', '{}', 'm')`, [
        mine,
      ]);
      await query(
        `insert into fleet.machine (id, role, name, version, can, share) values ('x', 'm2', 'x', '1', '{}', 'always')`,
      );
      await query(
        `insert into fleet.audit (job, owner, state, recording_s, sent_bytes, result_bytes, attempts)
         values ('old', 'ann', 'completed', 1, 0, 0, 1)`,
      );
      await query(`create role stranger login password 'secret'`);
    });
    const count =
      (text: string, values: unknown[] = []) =>
      async (query: Query) =>
        (await query(text, values)).length;
    const value =
      (text: string, values: unknown[] = []) =>
      async (query: Query) =>
        Object.values((await query<object>(text, values))[0]!)[0] as unknown;
    const cases: [string, string, (query: Query) => Promise<unknown>, unknown][] = [
      ['reads an own job', 'ann', count('select * from fleet.job where id = $1', [mine]), 1],
      ['reads another’s job by its id', 'bob', count('select * from fleet.job where id = $1', [mine]), 0],
      ['reads another’s text', 'bob', count('select * from fleet.result where job = $1', [mine]), 0],
      ['reads the books of another', 'bob', count('select * from fleet.audit'), 0],
      ['cancels another’s', 'bob', value('select fleet.cancel($1)', [mine]), false],
      ['pauses another’s', 'bob', value('select fleet.pause($1)', [mine]), false],
      ['moves another’s', 'bob', value('select fleet.rerank($1, 0)', [mine]), false],
      ['asks where another’s stands', 'bob', value('select ahead from fleet.place($1)', [mine]), null],
      ['sends sound for another’s', 'bob', value(`select fleet.put_chunk($1, 0, 'x')`, [sending]), DENIED],
      ['puts text into another’s', 'bob', value(`select fleet.seed($1, '[]')`, [mine]), DENIED],
      ['counts the chunks of another’s', 'bob', value('select fleet.chunks($1)', [sending]), []],
      ['ends the sending of another’s', 'bob', value(`select fleet.sent($1, '{"chunks":0}')`, [sending]), null],
      ['submits under another’s id', 'bob', query => submit(query, { id: mine }), DENIED],
      ['says that it is urgent', 'ann', query => submit(query, { rank: 3 }), DENIED],
      ['makes an own job urgent', 'ann', value('select fleet.rerank($1, 3)', [mine]), DENIED],
      ['changes a job past the functions', 'ann', count('update fleet.job set priority = 9'), DENIED],
      ['deletes a job past the functions', 'ann', count('delete from fleet.job'), DENIED],
      [
        'writes a result',
        'ann',
        count(`insert into fleet.result (job, index, stage, output, machine) values ($1, 1, 'asr', '{}', 'm')`, [mine]),
        DENIED,
      ],
      ['reads sound', 'ann', count('select * from fleet.chunk'), DENIED],
      ['gives itself a larger share', 'ann', count('update fleet.share set weight = 9'), DENIED],
      ['looks into the queue of pg-boss', 'ann', count('select * from boss.job'), DENIED],
      ['asks for work without being a machine', 'ann', value(`select fleet.peek('{}', '{}', 0, '{}')`), DENIED],
      ['reads everybody’s as a chief', 'carol', count('select * from fleet.job where id = $1', [mine]), 1],
      ['submits as a machine', 'm1', query => submit(query), DENIED],
      ['makes a job somebody else’s as a machine', 'm1', count(`update fleet.job set owner = 'bob'`), DENIED],
      ['deletes jobs as a machine', 'm1', count('delete from fleet.job'), DENIED],
      [
        'speaks for another machine',
        'm1',
        count(`update fleet.machine set draining = true where id = 'x' returning id`),
        0,
      ],
      ['reads what it works on', 'm1', count('select * from fleet.job where id = $1', [mine]), 1],
      ['comes without any right', 'stranger', count('select * from fleet.job'), DENIED],
      ['cancels everybody’s as a chief', 'carol', value('select fleet.cancel($1)', [mine]), true],
    ];
    for (const [what, login, work, expected] of cases)
      assert.deepEqual(await outcome(login, work), expected, `${login} ${what}`);
    await assert.rejects(
      once({ ...server.access('ann'), password: 'wrong' }, query => query('select 1')),
      error => problemOf(error, server.access('ann')).code === 'fleetRefused',
    );
  });

  test('people take turns by the length of their recordings; ranks, caps and warm models have their limits', async () => {
    await prepareFleet(server);
    const m1 = await claims('m1');
    /** Whose jobs are taken, in order; each is finished at once. */
    const order = async (many: number, warm: string[] = [], can = ['asr:base', 'asr:small']): Promise<string[]> => {
      const names: string[] = [];
      await m1.offer();
      for (let i = 0; i < many; i++) {
        const taken = await m1.claim(can, warm);
        if (!taken) break;
        names.push(taken.job);
        assert.ok(await m1.finish(taken, { failure: { code: 'cancelled', args: {} } }));
      }
      return names;
    };
    const many = (login: string, n: number, how = {}): Promise<string[]> =>
      as(login, async query => {
        const ids: string[] = [];
        for (let i = 0; i < n; i++) ids.push(await submit(query, how));
        return ids;
      });
    const anns = await many('ann', 20),
      bobs = await many('bob', 5);
    const first = await order(10);
    assert.deepEqual(
      first.map(id => (bobs.includes(id) ? 'bob' : 'ann')),
      Array.from({ length: 5 }, () => ['ann', 'bob']).flat(),
    );
    assert.deepEqual(await order(100), anns.slice(5));

    // High before what was there; low behind four hours of recording, but no more; urgent before all.
    const [low] = await many('bob', 1, { rank: 0, cost: 3600 }),
      flood = await many('ann', 8, { cost: 3600 }),
      [urgent] = await many('carol', 1, { rank: 3 }),
      [high] = await many('bob', 1, { rank: 2 });
    const ranked = await order(100);
    assert.deepEqual(ranked.slice(0, 2), [urgent, high]);
    const place = ranked.indexOf(low!);
    assert.ok(place >= 4 && place < 2 + flood.length - 1, `served ${place}th`);

    // A job whose model is loaded passes another by ten minutes at most.
    const [cold] = await many('ann', 1, { needs: ['asr:small'], cost: 300 }),
      warm = await many('ann', 4, { cost: 300 });
    const passed = await order(5, ['asr:base']);
    assert.equal(passed.length, warm.length + 1);
    assert.ok(passed.indexOf(cold!) >= 1 && passed.indexOf(cold!) <= 2, String(passed.indexOf(cold!)));

    // What no machine can do holds nobody up.
    await many('ann', 50, { needs: ['asr:huge'] });
    const [small] = await many('bob', 1, { needs: ['asr:small'] });
    assert.deepEqual(await order(5), [small]);

    // Two at once of one person.
    const capped = await claims('m2', 2);
    await many('ann', 3);
    await many('bob', 1);
    await capped.offer();
    const taken: Taken[] = [];
    for (let next = await capped.claim(['asr:base'], []); next; next = await capped.claim(['asr:base'], []))
      taken.push(next);
    assert.equal(taken.length, 3, 'two of Ann’s and Bob’s');
    await closePools();
  });

  test('a late machine writes nothing: neither results, nor an end, nor a return', async () => {
    await prepareFleet(server);
    const [late, next] = [await claims('m1'), await claims('m2')];
    const id = await as('ann', query => submit(query));
    await late.offer();
    const taken = (await late.claim(['asr:base'], []))!;
    const row = (index: number) => ({
      index,
      stage: 'asr' as const,
      startMs: 0,
      endMs: 1,
      output: { text: 'one', words: [], language: 'en', languageProbability: 1 },
    });
    assert.ok(await late.put(taken, [row(0)]));
    await server.asAdmin(query => query(`update boss.job set heartbeat_on = now() - interval '1 hour'`));
    let again: Taken | null = null;
    for (let tries = 0; !again && tries < 600; tries++) {
      again = await next.claim(['asr:base'], []);
      if (!again) await sleep(100);
    }
    assert.equal(again?.job, id);
    assert.deepEqual(
      (await next.done(id)).map(({ index }) => index),
      [0],
    );
    assert.equal(await late.put(taken, [row(1)]), false);
    assert.equal(await late.finish(taken, { failure: { code: 'cancelled', args: {} } }), false);
    assert.equal(await late.giveBack(taken), false);
    assert.ok(await next.put(again!, [row(1)]));
    // Canceled: its machine is refused too, and its sound goes.
    await as('ann', query => query('select fleet.cancel($1)', [id]));
    assert.equal(await next.put(again!, [row(2)]), false);
    assert.deepEqual(
      (await next.done(id)).map(({ index }) => index),
      [0, 1],
    );
    await closePools();
  });

  test('nobody puts others’ jobs where no machine looks, or reads them through functions of their own', async () => {
    await prepareFleet(server);
    const needs = ['asr:base', 'nmt:small'];
    await as('bob', query => submit(query, { needs: [needs.join(' ')] }));
    const id = await as('ann', query => submit(query, { needs }));
    const machine = await claims('m1');
    await machine.offer();
    assert.equal((await machine.claim(needs, []))?.job, id);
    // A schema that people may fill, as `public` is up to PostgreSQL 14.
    await server.asAdmin(async query => {
      await query('create schema yard');
      await query('grant all on schema yard to bob');
    });
    const read = await as('bob', async query => {
      await query(`create function yard.pg_has_role(name, name, text) returns bool language sql as 'select true'`);
      await query(`create function yard.same(name, name) returns bool language sql as 'select true'`);
      await query('create operator yard.= (leftarg = name, rightarg = name, function = yard.same)');
      await query('set search_path = yard, pg_catalog');
      return query<{ id: string }>('select id from fleet.job');
    });
    assert.ok(
      read.every(each => each.id !== id),
      'bob reads what is ann’s',
    );
    await closePools();
  });

  test('what is larger than any request is not taken, and what has ended no machine changes', async () => {
    await prepareFleet(server);
    const OUT_OF_BOUNDS = '22023';
    for (const many of [
      { needs: ['x'.repeat(20_000)] },
      { sound: JSON.stringify({ kind: 'root', path: 'x'.repeat(100_000) }) },
    ])
      assert.equal(await outcome('ann', query => submit(query, many)), OUT_OF_BOUNDS);
    const id = await as('ann', query => submit(query)),
      machine = await claims('m1');
    const write = (text: string) => (query: Query) => query(text, [id]).then(rows => rows.length);
    const result = `insert into fleet.result (job, index, stage, output, machine) values ($1, 0, 'asr', '{}', 'm2')`;
    assert.equal(await outcome('m2', write(result)), DENIED, 'text for a job that nobody works on');
    await machine.offer();
    const taken = (await machine.claim(['asr:base'], []))!;
    assert.ok(await machine.finish(taken, { failure: { code: 'cancelled', args: {} } }));
    assert.equal(await outcome('m2', write(result)), DENIED, 'text for a job that is over');
    const again = `update fleet.job set state = 'completed', facts = '{}' where id = $1 returning id`;
    assert.equal(await outcome('m2', write(again)), 0, 'another end of a job that is over');
    await closePools();
  });

  test('a recording that is not all there is nobody’s work; its parts share it until the last is over', async () => {
    await prepareFleet(server);
    const m1 = await claims('m1');
    const next = async (): Promise<Taken | null> => {
      await m1.offer();
      return m1.claim(['asr:base', 'part'], []);
    };
    const chunks = async (): Promise<number> =>
      Number((await server.asAdmin(query => query<{ n: string }>('select count(*) as n from fleet.chunk')))[0]!.n);
    const sound = '{"kind":"chunks","name":"a"}';
    await as('ann', async query => {
      const id = await submit(query, { sound });
      assert.equal(await next(), null, 'nothing is there');
      await query(`select fleet.put_chunk($1, 0, 'one')`, [id]);
      assert.equal(await next(), null, 'the rest is on its way');
      const [early] = await query<{ sent: string }>(`select fleet.sent($1, '{"chunks":2}')`, [id]);
      assert.equal(early!.sent, 'sending', 'a piece is missing');
      assert.equal(await next(), null);
      await query(`select fleet.put_chunk($1, 1, 'two')`, [id]);
      await query(`select fleet.sent($1, '{"chunks":2}')`, [id]);
      const taken = (await next())!;
      assert.equal(taken.job, id);
      assert.equal(String(await m1.chunk(id, 1)), 'two');
      assert.ok(await m1.finish(taken, { failure: { code: 'cancelled', args: {} } }));
      assert.equal(await chunks(), 0);

      const parts = (whole: string): Promise<unknown> =>
        query('select fleet.submit_parts($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
          ...[whole, 'home1', 'a name', '{}', ['asr:base', 'part'], sound, 90, 1],
          [1000, 2000],
        ]);
      await parts('w');
      await parts('w'); // asked twice
      assert.equal(await next(), null);
      await query(`select fleet.put_chunk('w', 0, 'all')`);
      await query(`select fleet.sent('w', '{"chunks":1}')`);
      // Equal in rank and age: which comes first is not promised.
      const all = [(await next())!, (await next())!, (await next())!].sort((a, b) => (a.job < b.job ? -1 : 1));
      assert.equal(await next(), null);
      assert.deepEqual(
        all.map(({ job, range }) => [job, range]),
        [
          ['w', { fromMs: 0, toMs: 1000 }],
          ['w.1', { fromMs: 1000, toMs: 2000 }],
          ['w.2', { fromMs: 2000, toMs: null }],
        ],
      );
      const counted = await query<{ jobs: string; recording_s: string }>('select * from fleet.overview()');
      assert.deepEqual(
        counted.map(line => [line.jobs, line.recording_s]),
        [['1', '90']],
      );
      for (const [i, part] of all.entries()) {
        assert.equal(String(await m1.chunk(part.job, 0)), 'all');
        if (i < 2) assert.ok(await m1.finish(part, { failure: { code: 'cancelled', args: {} } }));
        else await query('select fleet.cancel($1)', [part.job]);
        await m1.sweep();
        assert.equal(await chunks(), i < 2 ? 1 : 0);
      }
      // Under another's id, or more than there are machines.
      assert.equal(
        await outcome('bob', other =>
          other(`select fleet.submit_parts('w', 'h', 'n', '{}', '{a}', '{}', 9, 1, '{1}')`),
        ),
        DENIED,
      );
      const many = `select fleet.submit_parts('x', 'h', 'n', '{}', '{a}', '{}', 9, 1, array_fill(1, '{50}'))`;
      assert.equal(await outcome('bob', other => other(many)), '22023');
    });
    await closePools();
  });

  test('what ends machine after machine is set aside; what nobody takes or fetches expires: no sound stays', async () => {
    await prepareFleet(server);
    const m1 = await claims('m1');
    const chunks = async (): Promise<number> =>
      Number((await server.asAdmin(query => query<{ n: string }>('select count(*) as n from fleet.chunk')))[0]!.n);
    const sent = (needs: string[]): Promise<string> =>
      as('ann', async query => {
        const id = await submit(query, { needs, sound: '{"kind":"chunks","name":"a"}' });
        await query(`select fleet.put_chunk($1, 0, 'all')`, [id]);
        await query(`select fleet.sent($1, '{"chunks":1}')`, [id]);
        return id;
      });
    const stateOf = async (id: string): Promise<unknown> => {
      const [job] = await server.asAdmin(query =>
        query<{ state: string; failure: { code: string } | null }>(
          'select state, failure from fleet.job where id = $1',
          [id],
        ),
      );
      return job && (job.failure?.code ?? job.state);
    };
    const old = (id: string): Promise<unknown> =>
      server.asAdmin(query =>
        query(
          `update fleet.job set created_at = created_at - interval '31 days', ended_at = ended_at - interval '31 days'
           where id = $1`,
          [id],
        ),
      );

    const poison = await sent(['asr:base']);
    await m1.offer();
    assert.equal((await m1.claim(['asr:base'], []))?.job, poison);
    // The last of its tries, and its machine is dead.
    await server.asAdmin(query =>
      query(`update boss.job set retry_count = retry_limit, heartbeat_on = now() - interval '1 hour'`),
    );
    for (let tries = 0; (await stateOf(poison)) === 'running' && tries < 600; tries++) {
      await sleep(100);
      await m1.sweep();
    }
    assert.deepEqual([await stateOf(poison), await chunks()], ['fleetGaveUp', 0]);

    // Nobody has the model: pg-boss drops its offer after thirty days. Of the other the server lost it.
    const never = await sent(['asr:huge']),
      lost = await sent(['asr:base']);
    await m1.offer();
    await server.asAdmin(query => query(`delete from boss.job where state = 'created'`));
    await old(never);
    await m1.expire();
    assert.deepEqual([await stateOf(never), await stateOf(lost), await chunks()], ['fleetExpired', 'waiting', 1]);
    await m1.offer();
    const taken = (await m1.claim(['asr:base'], []))!;
    assert.equal(taken.job, lost);
    assert.ok(await m1.finish(taken, { failure: { code: 'cancelled', args: {} } }));
    assert.equal(await chunks(), 0);
    // Its home never came back for it.
    await old(lost);
    await m1.expire();
    assert.deepEqual([await stateOf(lost), await stateOf(never)], [undefined, 'fleetExpired']);
    assert.equal(await outcome('ann', query => query('select fleet.expire()')), DENIED);
    await closePools();
  });

  test('beyond this machine, only with TLS and the server’s own certificate', async t => {
    const key = join(server.root, 'server.key'),
      certificate = join(server.root, 'server.crt');
    const made = (name: string): boolean =>
      spawnSync('openssl', [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=fleet'],
        ...['-addext', `subjectAltName=${name}`, '-keyout', key, '-out', certificate],
      ]).status === 0;
    if (!made('DNS:elsewhere.example')) return t.skip('no openssl here');
    // The same server by an address that does not count as this machine.
    const access: Access = { ...server.access('ann'), host: '0.0.0.0' };
    const problem = async (how: Partial<Access> = {}): Promise<string> =>
      once({ ...access, ...how }, query => query('select 1')).then(
        () => 'none',
        (error: unknown) => {
          const { code, args } = problemOf(error, access);
          return `${code} ${String(args.why ?? '')}`;
        },
      );
    const restart = async (): Promise<void> => {
      if (process.getuid?.() === 0) for (const path of [key, certificate]) chownSync(path, 65534, 65534);
      await server.kill();
      await server.begin();
    };
    assert.equal(await problem(), 'fleetUnreachable certificate', 'without TLS');
    Object.assign(server.settings, { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key });
    await restart();
    assert.equal(await problem(), 'fleetUnreachable certificate', 'signed by nobody known');
    assert.equal(
      await problem({ ca: readFileSync(certificate, 'utf8') }),
      'fleetUnreachable certificate',
      'another’s name',
    );
    assert.ok(made('IP:0.0.0.0'));
    await restart();
    assert.equal(await problem({ ca: readFileSync(certificate, 'utf8') }), 'none');
  });
});
