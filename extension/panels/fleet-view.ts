/** The other machines of the fleet as the device panel shows them. */
import * as vscode from 'vscode';
import type { FleetMachine, FleetStatus } from '../../schemas/fleet.ts';
import type { FleetView, MachineView } from '../../webview/messages.ts';
import { failureText } from '../ui/words.ts';
import { deviceViews, History } from './device-views.ts';

/** Machines that did not leave a history here have none to show. */
const NO_HISTORY = new History();

/** Null: this machine belongs to no fleet. `now`: ms since 1970. */
export function fleetView({ settings, problems, machines }: FleetStatus, now: number): FleetView | null {
  if (!settings) return null;
  const [problem] = problems;
  return {
    problem: problem ? failureText(problem) : null,
    machines: machines.filter(machine => !machine.here).map(machine => machineView(machine, now)),
  };
}

function machineView(machine: FleetMachine, now: number): MachineView {
  return {
    id: machine.id,
    name: machine.name,
    live: machine.live,
    status: machine.live
      ? [
          machine.running === 0
            ? vscode.l10n.t('idle')
            : machine.running === 1
              ? vscode.l10n.t('one job')
              : vscode.l10n.t('{0} jobs', machine.running),
          machine.draining ? vscode.l10n.t('takes no more') : null,
          machine.share === 'never' ? vscode.l10n.t('takes no jobs') : null,
        ]
          .filter(part => part !== null)
          .join(' · ')
      : vscode.l10n.t('last seen {0}', ago(now - machine.seenAt)),
    devices: deviceViews({
      devices: machine.devices,
      instances: [],
      estimates: [],
      history: NO_HISTORY,
      modelName: id => id,
    }),
  };
}

function ago(ms: number): string {
  const words = new Intl.RelativeTimeFormat(vscode.env.language, { numeric: 'auto' }),
    minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 60) return words.format(-minutes, 'minute');
  const hours = Math.round(minutes / 60);
  return hours < 48 ? words.format(-hours, 'hour') : words.format(-Math.round(hours / 24), 'day');
}
