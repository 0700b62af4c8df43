/** `earshot devices` and `earshot engines`: what this machine has. */
import { entryOf, stageText, termText } from '../text/messages/messages.ts';
import { bytesText, percentText } from '../text/messages/figures.ts';
import type { Session } from './session.ts';
import { showTable, table } from './layout.ts';
import { clean, type Colour } from './terminal.ts';

export async function devices(session: Session): Promise<void> {
  const client = await session.client();
  const { devices: found, instances, estimates } = await client.call('device/list', {});
  if (session.json) return session.emit({ devices: found, instances, estimates });
  const { t, locale } = session;
  const rows = found.map(device => [
    clean(device.name),
    bytesText(device.memory.total),
    bytesText(device.memory.free),
    `${bytesText(device.memory.leased)} / ${bytesText(device.memory.cap)}`,
    device.utilization === null ? '' : percentText(device.utilization),
    device.temperatureC === null ? '' : `${device.temperatureC} °C`,
    device.health === 'ok' ? '' : device.health,
  ]);
  const right = 'right' as const;
  showTable(
    session,
    [
      { title: t.device, give: true },
      { title: t.memory, align: right },
      { title: t.free, align: right },
      { title: t.ours, align: right },
      { title: t.use, align: right },
      { title: t.temperature, align: right },
      { title: '' },
    ],
    rows,
  );
  if (instances.length > 0) {
    session.line();
    const of = (id: string): string => found.find(device => device.id === id)?.name ?? id;
    const lines = instances.map(each => [
      clean(each.model),
      stageText(each.stage, locale),
      clean(of(each.device)),
      termText('instanceStates', each.state, locale),
      bytesText(each.leaseBytes),
      each.peakBytes === null ? '' : bytesText(each.peakBytes),
    ]);
    showTable(
      session,
      [
        { title: t.instance, give: true },
        { title: t.stage },
        { title: t.device, give: true },
        { title: t.state },
        { title: t.estimated, align: right },
        { title: t.measured, align: right },
      ],
      lines,
    );
  }
}

const ENGINE_COLOURS = { ready: 'green', installing: 'cyan', absent: 'dim', broken: 'red' } as const;

export async function listEngines(session: Session): Promise<void> {
  const client = await session.client();
  const { engines } = await client.call('engine/list', {});
  if (session.json)
    return engines.forEach(engine => {
      session.emit(engine);
    });
  const { t, paint, locale } = session;
  const rows = engines.map(engine => [
    clean(engine.id),
    termText('engineStates', engine.state, locale),
    t.list(engine.stages.map(stage => stageText(stage, locale))) || t.speakers,
    engine.devices.join(' '),
    clean(engine.licence),
    clean(engine.name),
  ]);
  for (const line of table(
    [
      { title: t.engine },
      { title: t.state },
      { title: t.stages, give: true },
      { title: t.device },
      { title: t.licence, give: true },
      { title: t.name },
    ],
    rows,
    session.columns(),
    (text, row, column) =>
      row < 0
        ? paint('dim', text)
        : column === 1
          ? paint(entryOf<Colour>(ENGINE_COLOURS, engines[row]!.state, 'dim'), text)
          : text,
  ))
    session.line(line);
}
