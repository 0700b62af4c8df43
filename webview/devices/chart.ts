/**
 * The history of one device as two lines: memory and utilisation, in percent, drawn by uPlot in the theme's colours.
 */
import uPlot from 'uplot';
import { percent } from '../format.ts';
import type { DeviceView } from '../messages.ts';
import { language, t } from '../page.ts';

const colour = (name: string, fallback: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim() || fallback;

const series = (device: DeviceView): uPlot.AlignedData => [
  device.history.map(s => s.at / 1000),
  device.history.map(s => (device.total ? s.used / device.total : 0)),
  device.history.map(s => s.utilization),
];

export class Chart extends HTMLElement {
  #plot: uPlot | null = null;
  #device: DeviceView | null = null;
  readonly #resize = new ResizeObserver(() => {
    if (this.#plot && this.clientWidth) this.#plot.setSize({ width: this.clientWidth, height: 92 });
  });
  readonly #theme = new MutationObserver(() => this.#draw());

  set device(device: DeviceView) {
    this.#device = device;
    if (this.#plot) this.#plot.setData(series(device));
    else if (this.isConnected) this.#draw();
  }

  connectedCallback(): void {
    this.#resize.observe(this);
    this.#theme.observe(document.body, { attributes: true, attributeFilter: ['class'] });
    this.#draw();
  }

  disconnectedCallback(): void {
    this.#resize.disconnect();
    this.#theme.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  #draw(): void {
    if (!this.#device) return;
    this.#plot?.destroy();
    const text = colour('--vscode-descriptionForeground', '#888'),
      grid = { stroke: colour('--vscode-editorIndentGuide-background1', '#8883'), width: 1 };
    const clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });
    const line = (label: string, stroke: string, fill?: string): uPlot.Series => ({
      label,
      stroke,
      width: 1.5,
      points: { show: false },
      ...(fill ? { fill } : {}),
      value: (_plot, value) => (value === null ? '–' : percent(value)),
    });
    const memory = colour('--vscode-charts-blue', '#3794ff');
    this.#plot = new uPlot(
      {
        width: this.clientWidth || 260,
        height: 92,
        cursor: { y: false, points: { size: 5 } },
        legend: { show: false },
        padding: [6, 24, 0, 0],
        scales: { x: { time: true }, y: { range: [0, 1] } },
        axes: [
          {
            stroke: text,
            grid: { show: false },
            ticks: { show: false },
            size: 18,
            font: `10px ${colour('--vscode-font-family', 'sans-serif')}`,
            space: 70,
            values: (_plot, values) => values.map(v => clock.format(v * 1000)),
          },
          {
            stroke: text,
            grid,
            ticks: { show: false },
            size: 36,
            font: `10px ${colour('--vscode-font-family', 'sans-serif')}`,
            splits: () => [0, 0.5, 1],
            values: (_plot, values) => values.map(percent),
          },
        ],
        series: [
          {},
          line(t('Memory'), memory, `color-mix(in srgb, ${memory} 18%, transparent)`),
          line(t('Load'), colour('--vscode-charts-yellow', '#cca700')),
        ],
      },
      series(this.#device),
      this,
    );
  }
}
customElements.define('device-chart', Chart);
