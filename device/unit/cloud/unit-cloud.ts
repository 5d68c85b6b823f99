import { join } from 'node:path';
import type { Alert } from '../../../cloud-bridge/contract/events.ts';
import type { OutboxEvent } from '../../../cloud-bridge/contract/outbox.ts';
import { CommandInbox } from '../../../cloud-bridge/unit-end/commands/command-inbox.ts';
import { Grants, type GrantsOptions } from '../../../cloud-bridge/unit-end/evidence/grants.ts';
import { unmetered } from '../../../cloud-bridge/unit-end/outbox/data-budget.ts';
import { MonthlyBudget } from '../../../cloud-bridge/unit-end/outbox/monthly-budget.ts';
import { Spool } from '../../../cloud-bridge/unit-end/outbox/spool.ts';
import { LedgerLane } from '../../evidence/ledger-lane.ts';
import { recordAct } from '../../evidence/record-act.ts';
import { makeFolders } from '../../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { utcMilliseconds } from '../../kernel/units.ts';
import { credentialsOf } from './certificates.ts';
import { type CloudParts, ConnectedCloud, type UnitCloud } from './connected-cloud.ts';
import { openRenewal } from './renewal.ts';

export type { CloudParts, CloudView, UnitCloud } from './connected-cloud.ts';

/** A unit without a centre: nothing is kept for it. */
export const alone: UnitCloud = {
  offer: async () => {},
  view: {
    offlineSince: undefined,
    offlineWhy: undefined,
    heardAt: undefined,
    figures: undefined,
    reconnects: 0,
    dropped: 0,
    refusedMessages: 0,
    setAside: [],
  },
  stateChanged: () => {},
  report: () => {},
  checkpointed: () => {},
  updateLink: undefined,
  drain: async () => {},
  close: async () => {},
};

interface SetAside {
  readonly folder: string;
  readonly reason: string;
}

/** Alerts that no centre takes: a unit that is away for months keeps them, a disk must not fill with them. */
const ALERT_BYTES = 64e6;

/**
 * Opens the queues, the inboxes and the link of a unit whose configuration names a broker. Throws `config-invalid` as `credentialsOf` does, and the faults of the disk: what is configured and cannot work is found out before the unit is left alone. That the
 * broker cannot be reached is no fault.
 */
export async function openCloud(parts: CloudParts): Promise<UnitCloud> {
  const { config, store, clock, log, notice } = parts;
  const { cloud, unit, evidence } = config;
  const { broker } = cloud;
  if (broker === undefined) return alone;
  await credentialsOf(config, clock.utc());
  const folder = join(evidence.data, 'outbox');
  const files = systemFiles;
  await makeFolders(files, folder);
  const shared = { files, random: Math.random, clock } as const;
  const settingAside = { damaged: 'set-aside' } as const;

  const open = new AsyncDisposableStack();
  try {
    const alerts = await Spool.open(join(folder, 'alert'), {
      ...shared,
      ...settingAside,
      lane: 'alert',
      mostBytes: ALERT_BYTES,
    });
    open.defer(() => alerts.close());
    const telemetry = await Spool.open(join(folder, 'telemetry'), {
      ...shared,
      ...settingAside,
      lane: 'telemetry',
      get mostBytes() {
        return cloud.telemetryQueueMegabytes * 1e6 * (parts.figuresShare?.() ?? 1);
      },
    });
    open.defer(() => telemetry.close());
    const setAside: string[] = [];
    const beganAnew = (what: string, found: SetAside | undefined) => {
      if (found === undefined) return;
      const words = `${what} was damaged and begun anew: ${found.reason}`;
      setAside.push(words);
      notice(new AtalayaError('store-damaged', words, { hint: `What was found lies in ${found.folder}.` }));
    };
    beganAnew('the queue of alerts', alerts.opening.setAside);
    beganAnew('the queue of figures', telemetry.opening.setAside);
    const ledger = await LedgerLane.open(store.ledger, folder, files);
    const mostBytes = cloud.dataBudgetMegabytesPerMonth;
    const budget =
      mostBytes === undefined
        ? undefined
        : await MonthlyBudget.open(join(folder, 'data-budget.json'), { files, clock, mostBytes: mostBytes * 1e6 });
    if (budget !== undefined) open.defer(() => budget.close());
    const grants = await openGrants(join(folder, 'grants.json'), { files, clock, policy: cloud.evidence }, notice);

    const renewal = await openRenewal(config, { clock, notice });
    const unitCloud = new ConnectedCloud(parts, {
      ...{ alerts, telemetry, grants, ledger, setAside },
      ...(renewal === undefined ? {} : { renewal }),
      budget: budget ?? unmetered,
    });
    const inbox = await CommandInbox.open({
      ...shared,
      ...settingAside,
      folder: join(folder, 'commands'),
      unit: unit.id,
      people: parts.people,
      timer: systemTimer,
      executors: parts.executors(grants),
      audit: async ({ id, name, person, outcome, reason }) => {
        const actor = person === undefined ? { kind: 'unit', name: 'commands' } : { kind: 'operator', ...person };
        const action = { kind: 'command', id, name, outcome, ...(reason === undefined ? {} : { reason }) } as const;
        const why = `command ${name} ${outcome}`;
        await recordAct(
          store.ledger,
          { actor: actor as Parameters<typeof recordAct>[1]['actor'], action, reason: why },
          clock,
        );
        log.info({ part: 'commands', id, outcome, person: person?.name }, why);
      },
      reply: (reply) => unitCloud.end.reply(reply),
      onFault: notice,
    });
    open.defer(() => inbox.close());
    beganAnew('the memory of commands', inbox.setAside);
    // The link goes before its inboxes: the broker is told that it may forget a command only by who still takes it.
    open.defer(() => unitCloud.stop());
    unitCloud.start(inbox);
    const closing = open.move();
    unitCloud.closeWith(() => closing.disposeAsync());
    return unitCloud;
  } catch (error) {
    await open.disposeAsync();
    throw error;
  }
}

/** A file that is damaged grants nothing, and is no reason not to work: evidence is then asked for again. */
async function openGrants(path: string, options: GrantsOptions, notice: CloudParts['notice']): Promise<Grants> {
  try {
    return await Grants.open(path, options);
  } catch (error) {
    if (!isAtalayaError(error, 'store-damaged')) throw error;
    notice(error);
    return new Grants(path, options, []);
  }
}

/** An alert's event for the outbox. */
export function alertOf(alert: Alert): OutboxEvent {
  return { kind: 'alert', time: utcMilliseconds(Date.parse(alert.since)), data: alert as OutboxEvent['data'] };
}
