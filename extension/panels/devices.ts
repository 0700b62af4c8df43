/** The device panel: devices and instances while it is visible, estimates and the bottleneck asked for now and then. */
import * as vscode from 'vscode';
import type { Estimate } from '../../schemas/device.ts';
import type { FromDevices, ToDevices } from '../../webview/messages.ts';
import type { Daemon } from '../connection/connection.ts';
import type { FleetStatus } from '../../schemas/fleet.ts';
import { bottleneckText, errorText } from '../ui/words.ts';
import { deviceViews, History, noGpuView } from './device-views.ts';
import { connectionView } from './connection-view.ts';
import { fleetView } from './fleet-view.ts';
import { notify } from '../ui/notify.ts';
import { receive } from '../ui/receive.ts';
import { pageHtml, pageOptions } from '../ui/page.ts';
import { PANEL_COMMANDS } from './queue.ts';
import { modelName } from '../connection/mirror.ts';

const REPAINT_MS = 250,
  ASK_MS = 5000;

export class DevicesPanel implements vscode.WebviewViewProvider {
  readonly #daemon: Daemon;
  readonly #extensionUri: vscode.Uri;
  readonly #log: vscode.LogOutputChannel;
  readonly #history = new History();

  constructor(daemon: Daemon, extensionUri: vscode.Uri, log: vscode.LogOutputChannel) {
    this.#daemon = daemon;
    this.#extensionUri = extensionUri;
    this.#log = log;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    webview.options = pageOptions(vscode.Uri.joinPath(this.#extensionUri, 'dist', 'webview'));
    let ready = false,
      estimates: Estimate[] = [],
      bottleneck: string | null = null,
      fleet: FleetStatus | null = null,
      timer: NodeJS.Timeout | null = null;
    let watch: vscode.Disposable | null = null,
      asking: NodeJS.Timeout | null = null;

    const post = (): void => {
      timer = null;
      if (!ready || !view.visible) return;
      const { devices, instances } = this.#daemon.state;
      const message: ToDevices = {
        type: 'snapshot',
        bottleneck,
        connection: connectionView(this.#daemon.connection),
        devices: deviceViews({
          devices: devices.values(),
          instances: instances.values(),
          estimates,
          history: this.#history,
          modelName: id => modelName(this.#daemon.state, id),
        }),
        noGpu: devices.size ? noGpuView(devices.values(), process.platform) : null,
        fleet: fleet && fleetView(fleet, Date.now()),
      };
      void webview.postMessage(message);
    };
    const soon = (): void => {
      timer ??= setTimeout(post, REPAINT_MS);
    };
    const ask = async (): Promise<void> => {
      try {
        const [list, stats] = await Promise.all([
          this.#daemon.call('device/list', {}),
          this.#daemon.call('stats/get', {}),
        ]);
        estimates = list.estimates;
        bottleneck = stats.bottleneck ? bottleneckText(stats.bottleneck) : null;
        soon();
      } catch (error) {
        this.#log.debug(errorText(error));
      }
    };
    /** By itself: a fleet that is out of reach takes its time to say so, and one question at a time is enough. */
    let askingFleet = false;
    const askFleet = async (): Promise<void> => {
      if (askingFleet) return;
      askingFleet = true;
      try {
        fleet = await this.#daemon.call('fleet/status', {});
        soon();
      } catch (error) {
        this.#log.debug(errorText(error));
      } finally {
        askingFleet = false;
      }
    };
    const askAll = (): void => {
      void ask();
      void askFleet();
    };
    /** Devices are read quickly only while somebody looks. */
    const follow = (): void => {
      if (view.visible && ready) {
        watch ??= this.#daemon.watchDevices();
        asking ??= setInterval(askAll, ASK_MS);
        askAll();
        post();
      } else {
        watch?.dispose();
        watch = null;
        if (asking) clearInterval(asking);
        asking = null;
      }
    };
    const subscriptions = [
      this.#daemon.onChange(change => {
        if (change.devices) for (const device of this.#daemon.state.devices.values()) this.#history.add(device);
        if (change.devices || change.instances || change.all) soon();
      }),
      this.#daemon.onConnection(() => soon()),
      view.onDidChangeVisibility(follow),
      receive(
        webview,
        'FromDevices',
        message => {
          if (message.type === 'ready') {
            ready = true;
            follow();
            return;
          }
          void this.#act(message)
            .then(ask)
            .catch(error => {
              this.#log.error(errorText(error));
              notify.error(errorText(error));
            });
        },
        this.#log,
      ),
    ];
    view.onDidDispose(() => {
      if (timer) clearTimeout(timer);
      if (asking) clearInterval(asking);
      watch?.dispose();
      for (const s of subscriptions) s.dispose();
    });
    webview.html = pageHtml({
      webview,
      extensionUri: this.#extensionUri,
      name: 'devices',
      title: vscode.l10n.t('Devices'),
    });
  }

  async #act(message: Exclude<FromDevices, { type: 'ready' }>): Promise<void> {
    switch (message.type) {
      case 'unload':
        return void (await this.#daemon.call('instance/unload', { id: message.id }));
      case 'exclude': {
        const { settings } = await this.#daemon.call('settings/get', {});
        const others = settings.excludedDevices.filter(id => id !== message.device);
        await this.#daemon.call('settings/set', {
          values: { excludedDevices: message.excluded ? [...others, message.device] : others },
        });
        return;
      }
      case 'command':
        if (message.command === 'start') await this.#daemon.start();
        else if (message.command in PANEL_COMMANDS)
          await vscode.commands.executeCommand(PANEL_COMMANDS[message.command as keyof typeof PANEL_COMMANDS]);
    }
  }
}
