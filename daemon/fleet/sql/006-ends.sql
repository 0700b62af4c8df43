-- Nothing of a recording stays for ever: a home may never come back. pg-boss drops an offer that nobody took for
-- thirty days; so its job ends, and what has ended and was not fetched for as long goes, with its text. An offer that
-- is gone sooner was lost with the server's last seconds: its job is offered anew.
create function fleet.expire() returns void language plpgsql security definer set search_path = fleet, pg_temp as $$
declare
  days int := 30;
  row fleet.job;
begin
  for row in
    update job j set state = 'failed', ended_at = now(),
        failure = jsonb_build_object('code', 'fleetExpired', 'args', jsonb_build_object('days', days))
      where j.created_at < now() - make_interval(days => days) and (j.state = 'sending' or j.state = 'waiting'
        and j.offer is not null
        and not exists (select from boss.job b where b.name = j.class and b.id = j.offer))
      returning *
  loop
    perform drop_sound(row.id);
    perform notify_home(row);
  end loop;
  update job j set state = 'waiting', offer = null
    where j.state in ('waiting', 'running') and j.offer is not null
      and not exists (select from boss.job b where b.name = j.class and b.id = j.offer);
  delete from job j where j.ended_at < now() - make_interval(days => days);
end $$;
-- The books say how long a recording was, once a machine has heard all of it.
create or replace function fleet.write_audit() returns trigger
language plpgsql security definer set search_path = fleet, pg_temp as $$
begin
  insert into audit (job, owner, machine, state, recording_s, waited_s, worked_s, sent_bytes, result_bytes, attempts)
  values (
    new.id, new.owner, (select name from machine m where m.id = new.machine), new.state,
    case when new.whole is null and json_typeof(new.facts->'durationMs') = 'number'
      then least(greatest(ceil((new.facts->>'durationMs')::numeric / 1000), 1), 86400 * 7)::int else new.cost_s end,
    extract(epoch from coalesce(new.started_at, new.ended_at) - new.created_at),
    extract(epoch from new.ended_at - new.started_at),
    new.sent_bytes, new.result_bytes, coalesce(new.attempt + 1, 0)
  )
  on conflict (job) do nothing;
  return null;
end $$;

revoke execute on function fleet.expire from public;
grant execute on function fleet.expire to earshot_machine;
