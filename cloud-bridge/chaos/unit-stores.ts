import { randomUUID } from 'node:crypto';
import { FileKeystore } from '../../device/evidence/keystore/file-keystore.ts';
import { Ledger } from '../../device/evidence/ledger.ts';
import { LedgerLane } from '../../device/evidence/ledger-lane.ts';
import { systemClock } from '../../device/kernel/clock.ts';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { systemFiles as files } from '../../device/kernel/files.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { Spool } from '../unit-end/outbox/spool.ts';
import { ledgerSegmentBytes, placesOf, type UnitOptions } from './unit-options.ts';

/** What of a unit outlives its program. */
export interface UnitStores {
  readonly keystore: FileKeystore;
  readonly ledger: Ledger;
  readonly lane: LedgerLane;
  readonly alerts: Spool;
  readonly telemetry: Spool;
  close(): Promise<void>;
}

/**
 * Opens them as the composition of a unit does. A store that a kill has damaged is refused: nothing is set aside here. Throws the faults of
 * ledger, keystore and spools.
 */
export async function openUnitStores(
  options: Pick<UnitOptions, 'unit' | 'folder' | 'witness' | 'telemetryBytes'>,
): Promise<UnitStores> {
  const { unit, folder, witness, telemetryBytes } = options;
  const places = placesOf(folder);
  await makeFolders(files, folder);
  await makeFolders(files, places.ledger);
  await makeFolders(files, places.outbox);
  const open = new AsyncDisposableStack();
  try {
    const keystore = await FileKeystore.openOrCreate(places.signingKey);
    open.defer(() => keystore.close());
    const ledger = await Ledger.open(places.ledger, {
      unit,
      files,
      keystore,
      segmentBytes: ledgerSegmentBytes,
      witnesses: [witness],
      rebuildLog: false,
      boot: randomUUID(),
      timer: systemTimer,
      checkpoints: { entries: 100, time: milliseconds(2000) },
    });
    open.defer(() => ledger.close());
    const shared = { files, random: Math.random, clock: systemClock, damaged: 'refuse' } as const;
    const alerts = await Spool.open(places.alerts, { ...shared, lane: 'alert' });
    open.defer(() => alerts.close());
    const telemetry = await Spool.open(places.telemetry, { ...shared, lane: 'telemetry', mostBytes: telemetryBytes });
    open.defer(() => telemetry.close());
    const lane = await LedgerLane.open(ledger, places.outbox, files);
    const closing = open.move();
    return { keystore, ledger, lane, alerts, telemetry, close: () => closing.disposeAsync() };
  } catch (error) {
    await open.disposeAsync();
    throw error;
  }
}
