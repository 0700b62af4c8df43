-- What machines may do. They hear the recordings, so they are trusted; but every write of theirs carries its attempt.
create policy machines on fleet.job to earshot_machine using (true);
create policy machines on fleet.result to earshot_machine using (true);
create policy machines on fleet.chunk to earshot_machine using (true);
alter table fleet.machine enable row level security;
create policy everybody on fleet.machine for select to earshot_user, earshot_machine using (true);
create policy own_insert on fleet.machine for insert to earshot_machine with check (role = session_user);
create policy own_update on fleet.machine for update to earshot_machine using (role = session_user);
create policy own_delete on fleet.machine for delete to earshot_machine using (role = session_user);

-- The queue whose head comes first among those that this machine can place. Queues that its loaded models serve are
-- ahead by `warmth` minutes of recording. The one place that reads columns of pg-boss.
create function fleet.peek(can text[], warm text[], warmth int, without text[]) returns text language sql stable as $$
  select n.class from fleet.need n
  cross join lateral (
    select j.priority, j.created_on from boss.job j
    where j.name = n.class and j.state < 'active' and not j.blocked and j.start_after <= now()
    order by j.priority desc, j.created_on limit 1
  ) head
  where n.needs <@ can and n.class <> all (without)
  order by head.priority + case when n.needs <@ warm then warmth else 0 end desc, head.created_on limit 1
$$;

revoke all on all tables in schema fleet from public;
revoke execute on all functions in schema fleet from public;
grant usage on schema fleet to earshot_user, earshot_machine;
grant select on fleet.version, fleet.option to earshot_user, earshot_machine;

grant select on fleet.job, fleet.result, fleet.audit to earshot_user;
grant select (id, name, version, can, share, draining, away, devices, running, seen_at) on fleet.machine to earshot_user;
grant execute on function fleet.is_chief, fleet.mine, fleet.submit, fleet.seed, fleet.put_chunk, fleet.chunks,
  fleet.sent, fleet.cancel, fleet.pause, fleet.resume, fleet.rerank, fleet.forget, fleet.place, fleet.overview
  to earshot_user;

grant select on fleet.job, fleet.need, fleet.result, fleet.chunk, fleet.machine, fleet.clock to earshot_machine;
grant update (state, offer, attempt, machine, done, progress, failure, facts, result_bytes, started_at, ended_at)
  on fleet.job to earshot_machine;
grant update (v) on fleet.clock to earshot_machine;
grant insert on fleet.result to earshot_machine;
grant delete on fleet.chunk to earshot_machine;
grant insert, delete on fleet.machine to earshot_machine;
grant update (name, version, can, share, draining, away, devices, running, seen_at) on fleet.machine to earshot_machine;
grant execute on function fleet.peek, fleet.notify_home, fleet.mine, fleet.is_chief to earshot_machine;

grant usage on schema boss to earshot_machine;
grant select, insert, update, delete on all tables in schema boss to earshot_machine;
grant execute on all functions in schema boss to earshot_machine;
grant usage on all sequences in schema boss to earshot_machine;
