-- What somebody of the fleet could do to others' jobs by their own rights.

-- Functions of people's own do not stand in for the system's: a policy calls these under the search path of whoever
-- reads, and in some schema they may be allowed to make functions and operators.
create or replace function fleet.is_chief() returns bool language sql stable as
  $$ select pg_catalog.pg_has_role(session_user, 'earshot_chief', 'member') $$;
create or replace function fleet.mine(owner name) returns bool language sql stable as
  $$ select owner operator(pg_catalog.=) session_user or fleet.is_chief() $$;

-- The queue of a job is told by all that it needs, each for itself: `{a b}` is not `{a,b}`.
create function fleet.class_of(needs text[]) returns text language sql stable as
  $$ select 'n-' || left(encode(sha256(convert_to(needs::text, 'UTF8')), 'hex'), 32) $$;
revoke execute on function fleet.class_of from public;

create or replace function fleet.submit(
  id text, home text, name text, request json, needs text[], sound jsonb, cost_s int, rank int
) returns text language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
declare
  row fleet.job;
  class text := class_of(submit.needs);
  tag bigint;
begin
  select j.* into row from fleet.job j where j.id = submit.id;
  if found then
    if row.owner = session_user then return row.state; end if; -- asked twice: the same answer
    raise exception 'not yours' using errcode = '42501';
  end if;
  if submit.rank > 2 and not is_chief() then
    raise exception 'only a chief may submit urgent jobs' using errcode = '42501';
  end if;
  if submit.cost_s < 1 or submit.cost_s > 86400 * 7 or submit.rank not between 0 and 3
    or cardinality(submit.needs) not between 1 and 20 or length(submit.id) > 100
    or octet_length(submit.needs::text) > 10000 or octet_length(submit.request::text) > 16777216
    or octet_length(submit.sound::text) > 65536
    or submit.home !~ '^[0-9a-z]{1,40}$' or length(submit.name) > 1000 then
    raise exception 'out of bounds' using errcode = '22023';
  end if;
  insert into need values (class, submit.needs) on conflict do nothing;
  insert into share (owner) values (session_user) on conflict do nothing;
  update share s set tag = greatest(s.tag, (select v from clock)) + ceil(submit.cost_s / s.weight)
    where s.owner = session_user
    returning s.tag - ceil(submit.cost_s / s.weight) into tag;
  insert into job (id, owner, home, name, request, needs, class, sound, cost_s, rank, tag, priority, state)
    values (submit.id, session_user, submit.home, submit.name, submit.request, submit.needs, class, submit.sound,
      submit.cost_s, submit.rank, tag, priority_of(submit.rank, tag),
      case when submit.sound->>'kind' = 'chunks' then 'sending' else 'waiting' end)
    returning * into row;
  if row.state = 'waiting' then notify fleet_work; end if;
  return row.state;
end $$;

-- What has ended stays as it ended, whichever machine comes late or makes things up; and a machine puts text only into
-- a job that is at work.
drop policy machines on fleet.job;
create policy machines on fleet.job for select to earshot_machine using (true);
create policy machines_write on fleet.job for update to earshot_machine
  using (state in ('waiting', 'running')) with check (true);
drop policy machines on fleet.result;
create policy machines on fleet.result for select to earshot_machine using (true);
create policy machines_write on fleet.result for insert to earshot_machine
  with check (exists (select from fleet.job j where j.id = job and j.state = 'running'));
