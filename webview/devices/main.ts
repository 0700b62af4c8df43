/** The devices: who holds their memory, how it went, what is loaded, and what was guessed against what was measured. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-collapsible/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { Asked } from '../asked.ts';
import { bytes, count, percent } from '../format.ts';
import type {
  DeviceView,
  EstimateView,
  FleetView,
  FromDevices,
  InstanceView,
  MachineView,
  NoGpu,
  Slice,
  ConnectionView,
  ToDevices,
} from '../messages.ts';
import { Page, t } from '../page.ts';
import { DEVICES } from '../shapes.ts';
import './chart.ts';

let devices: DeviceView[] = [],
  bottleneck: string | null = null,
  noGpu: NoGpu | null = null,
  fleet: FleetView | null = null,
  connection: ConnectionView = { kind: 'starting', text: '' },
  known = false;
/** What the live region says: warnings only. */
let alarm = '';

const page = new Page<ToDevices, FromDevices, { scroll: number }>(DEVICES, { scroll: 0 });

function take(message: ToDevices): void {
  ({ devices, bottleneck, noGpu, connection, fleet } = message);
  known = true;
  alarm = devices
    .filter(d => d.warning)
    .map(d => t('{0}: memory is nearly full', d.name))
    .join('. ');
}
const send = (message: FromDevices): void => page.send(message);

const COLOURS = ['blue', 'purple', 'orange', 'green', 'yellow', 'red'] as const;
/** Our models take the chart colours in turn; other programs, the reserve and what is free have their own. */
function paints(slices: readonly Slice[]): string[] {
  let next = 0;
  return slices.map(s => (s.kind === 'ours' ? `ours ${COLOURS[next++ % COLOURS.length]!}` : s.kind));
}

const legendOf = (device: DeviceView, paint: readonly string[]): TemplateResult =>
  html` <ul class="legend">
    ${device.slices.map(
      (s, i) =>
        html`<li><i class="slice ${paint[i]!}"></i><span title=${s.name}>${s.name}</span><b>${bytes(s.bytes)}</b></li>`,
    )}
  </ul>`;

function memoryBar(device: DeviceView, legend = true): TemplateResult {
  const paint = paints(device.slices);
  const text = device.slices.map(s => `${s.name} ${bytes(s.bytes)}`).join(', ');
  return html` <div class="memory" role="img" aria-label=${t('Memory of {0}: {1}', device.name, text)}>
      ${device.slices.map(
        (s, i) =>
          html`<i
            class="slice ${paint[i]!}"
            title=${`${s.name} · ${bytes(s.bytes)}`}
            .style=${`flex-grow: ${Math.max(s.bytes, device.total / 400)}`}
          ></i>`,
      )}
    </div>
    ${legend ? legendOf(device, paint) : nothing}`;
}

/** Asked to go, and still there. */
const unloading = new Asked<string>(() => page.paint());
function unload(id: string): void {
  unloading.add([id]);
  send({ type: 'unload', id });
}

function instance(i: InstanceView): TemplateResult {
  const icon = i.busy
    ? 'sync codicon-modifier-spin'
    : i.state === 'idle'
      ? 'circle-filled'
      : 'loading codicon-modifier-spin';
  return html` <li class="instance">
    <span class="codicon codicon-${icon} ${i.busy ? 'busy' : 'idle'}" aria-hidden="true"></span>
    <span class="what"><span title=${i.model}>${i.model}</span><small>${i.detail}</small></span>
    <b>${bytes(i.bytes)}</b>
    <button
      type="button"
      ?disabled=${!i.canUnload}
      title=${t('Unload')}
      aria-label=${t('Unload {0}', i.model)}
      @click=${() => unload(i.id)}
    >
      <span
        class="codicon codicon-${unloading.has(i.id) ? 'loading codicon-modifier-spin' : 'debug-disconnect'}"
      ></span>
    </button>
  </li>`;
}

const estimate = (e: EstimateView): TemplateResult =>
  html` <tr>
    <th scope="row" title=${e.model}>${e.model}</th>
    <td>${bytes(e.estimateBytes)}</td>
    <td>${e.measuredBytes === null ? '–' : bytes(e.measuredBytes)}</td>
    <td class=${e.error !== null && e.error < 0 ? 'under' : ''}>
      ${e.error === null ? '–' : `${e.error > 0 ? '+' : ''}${percent(e.error)}`}
    </td>
  </tr>`;

const card = (device: DeviceView): TemplateResult =>
  html` <section
    class="device ${device.health} ${device.warning ?? ''} ${device.excluded ? 'excluded' : ''}"
    aria-labelledby=${`name-${device.id}`}
  >
    <header>
      <span class="codicon codicon-${device.kind === 'gpu' ? 'circuit-board' : 'chip'}" aria-hidden="true"></span>
      <div>
        <h2 id=${`name-${device.id}`}>${device.name}</h2>
        <p>${device.subtitle}</p>
      </div>
      <button
        type="button"
        aria-pressed=${device.excluded ? 'true' : 'false'}
        title=${device.excluded ? t('Use this device again') : t('Leave this device alone')}
        aria-label=${device.excluded ? t('Use {0} again', device.name) : t('Leave {0} alone', device.name)}
        @click=${() => send({ type: 'exclude', device: device.id, excluded: !device.excluded })}
      >
        <span class="codicon codicon-${device.excluded ? 'eye-closed' : 'eye'}"></span>
      </button>
    </header>
    ${
      device.healthText
        ? html`<p class="health">
            <span
              class="codicon codicon-${device.health === 'ok' && !device.warning ? 'info' : 'warning'}"
              aria-hidden="true"
            ></span
            >${device.healthText}
          </p>`
        : nothing
    }
    <div class="headline">
      <strong>${bytes(device.used)}</strong> ${t('of {0} in use', bytes(device.total))}<span
        >${device.total ? percent(device.used / device.total) : ''}</span
      >
    </div>
    ${memoryBar(device)}
    ${
      device.facts.length
        ? html`<dl class="facts">
            ${device.facts.map(
              f =>
                html`<div class=${f.alarm ? 'alarm' : ''}>
                  <dt>${f.label}</dt>
                  <dd>${f.value}</dd>
                </div>`,
            )}
          </dl>`
        : nothing
    }
    ${
      device.history.length > 1
        ? html` <div class="chart">
            <p class="key" aria-hidden="true">
              <i class="memory-line"></i>${t('Memory')}${
                device.history.some(s => s.utilization !== null) ? html`<i class="load-line"></i>${t('Load')}` : nothing
              }
            </p>
            <device-chart
              role="img"
              aria-label=${t('Memory and load of {0} over the last minutes', device.name)}
              .device=${device}
            ></device-chart>
          </div>`
        : nothing
    }
    <h3>
      ${t('Loaded models')}${
        device.instances.length ? html`<span class="count">${count(device.instances.length)}</span>` : nothing
      }
    </h3>
    ${
      device.instances.length
        ? html`<ul class="instances">
            ${repeat(device.instances, i => i.id, instance)}
          </ul>`
        : html`<p class="none">${t('None. Models are loaded when a job needs them.')}</p>`
    }
    ${
      device.estimates.length
        ? html` <vscode-collapsible heading=${t('Estimated and measured')}>
            <table>
              <thead>
                <tr>
                  <th scope="col">${t('Model')}</th>
                  <th scope="col">${t('Estimate')}</th>
                  <th scope="col">${t('Peak')}</th>
                  <th scope="col">${t('Error')}</th>
                </tr>
              </thead>
              <tbody>
                ${device.estimates.map(estimate)}
              </tbody>
            </table>
          </vscode-collapsible>`
        : nothing
    }
  </section>`;

/** What another machine's device says in short: nothing can be done with it from here. */
const remote = (device: DeviceView): TemplateResult =>
  html` <div class="remote ${device.warning ?? ''}">
    <h3>
      <span class="codicon codicon-${device.kind === 'gpu' ? 'circuit-board' : 'chip'}" aria-hidden="true"></span
      ><span>${device.name}</span>
      <span class="of">${t('{0} of {1}', bytes(device.used), bytes(device.total))}</span>
    </h3>
    ${memoryBar(device, false)}
  </div>`;

const machine = (one: MachineView): TemplateResult =>
  html` <section class="device machine ${one.live ? '' : 'gone'}" aria-labelledby=${`machine-${one.id}`}>
    <header>
      <span class="codicon codicon-server" aria-hidden="true"></span>
      <div>
        <h2 id=${`machine-${one.id}`}>${one.name}</h2>
        <p>${one.status}</p>
      </div>
    </header>
    ${one.devices.map(remote)}
  </section>`;

const fleetSection = (shown: FleetView): TemplateResult =>
  html` <h2 class="fleet"><span class="codicon codicon-server-environment" aria-hidden="true"></span>${t('Fleet')}</h2>
    ${
      shown.problem
        ? html`<p class="bottleneck">
            <span class="codicon codicon-warning" aria-hidden="true"></span>${shown.problem}
          </p>`
        : shown.machines.length
          ? nothing
          : html`<p class="none">${t('No other machine has joined yet.')}</p>`
    }
    ${repeat(shown.machines, one => one.id, machine)}`;

function view(): TemplateResult {
  if (connection.kind === 'failed')
    return html` <section class="empty">
      <span class="codicon codicon-debug-disconnect big" aria-hidden="true"></span>
      <h2>${t('Earshot is not running')}</h2>
      <p>${connection.text}</p>
      <vscode-button @click=${() => send({ type: 'command', command: 'start' })}>${t('Start it')}</vscode-button>
    </section>`;
  if (!known || (!devices.length && connection.kind !== 'connected'))
    return html`<div class="wait"><span class="codicon codicon-loading codicon-modifier-spin"></span></div>`;
  return html` <div class="sr" role="status">${alarm}</div>
    ${
      bottleneck
        ? html`<p class="bottleneck">
            <span class="codicon codicon-lightbulb" aria-hidden="true"></span>${bottleneck}
          </p>`
        : nothing
    }
    ${
      noGpu
        ? html` <section class="nogpu">
            <h2><span class="codicon codicon-info" aria-hidden="true"></span>${noGpu.title}</h2>
            <p>${noGpu.text}</p>
            ${noGpu.link ? html`<p><a href=${noGpu.link}>${noGpu.linkText}</a></p>` : nothing}
          </section>`
        : nothing
    }
    ${repeat(devices, d => d.id, card)} ${fleet ? fleetSection(fleet) : nothing}`;
}

page.start(view, take);
send({ type: 'ready' });
