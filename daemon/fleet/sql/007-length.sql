-- How long a recording is, as soon as the machine that is at it knows: its home says how far it is by that.
alter table fleet.job add length_ms int check (length_ms >= 0);
grant update (length_ms) on fleet.job to earshot_machine;
