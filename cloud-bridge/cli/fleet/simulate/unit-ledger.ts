import { join } from 'node:path';
import { FileKeystore } from '../../../../device/evidence/keystore/file-keystore.ts';
import { Ledger } from '../../../../device/evidence/ledger.ts';
import { LedgerLane } from '../../../../device/evidence/ledger-lane.ts';
import { makeEvidenceRecord } from '../../../../device/evidence/record/make-record.ts';
import { indexEntryOf } from '../../../../device/evidence/record/read-entry.ts';
import { recordAct, type UnitAct } from '../../../../device/evidence/record-act.ts';
import type { Clock } from '../../../../device/kernel/clock.ts';
import { makeFolders } from '../../../../device/kernel/durable-file.ts';
import { isAtalayaError } from '../../../../device/kernel/errors.ts';
import type { Files } from '../../../../device/kernel/files.ts';
import type { Timer } from '../../../../device/kernel/timer.ts';
import { milliseconds } from '../../../../device/kernel/units.ts';
import type { UnitPlace } from '../../../simulate/simulated-fleet.ts';
import type { SimulatedLedger } from '../../../simulate/simulated-unit.ts';
import type { ReportSigner } from '../../../simulate/simulated-updates.ts';
import { madeInfraction } from './made-infraction.ts';

export interface UnitLedgerParts {
  readonly files: Files;
  readonly clock: Clock;
  readonly timer: Timer;
  /** Verifier keys of the witnesses whose cosignatures are kept. */
  readonly witnesses: readonly string[];
}

export interface UnitLedger extends SimulatedLedger {
  /** States an act on the unit. Resolves when it is durable; rejects as `recordAct`. */
  act(act: UnitAct): Promise<void>;
  /** Signs with the key of its evidence. */
  readonly signer: ReportSigner;
}

/** As often as a fleet on a desk is looked at: a real unit signs its log less often. */
const rhythm = { entries: 64, time: milliseconds(10_000) };
const segmentBytes = 1024 * 1024;

/** The ledger of a unit as the real one has it: keystore, journal, index, log; only what it is told is made up. */
export async function openUnitLedger(place: UnitPlace, parts: UnitLedgerParts): Promise<UnitLedger> {
  const { unit, site, folder, boot } = place;
  const { files, clock, timer, witnesses } = parts;
  await makeFolders(files, join(folder, 'keys'));
  const keystore = await FileKeystore.openOrCreate(join(folder, 'keys', 'signing.pem'));
  const options = {
    unit,
    files,
    keystore,
    segmentBytes,
    witnesses,
    rebuildLog: false,
    boot,
    timer,
    checkpoints: rhythm,
  };
  const ledger = await Ledger.open(join(folder, 'evidence'), options);
  await makeFolders(files, join(folder, 'outbox'));
  const source = await LedgerLane.open(ledger, join(folder, 'outbox'), files);
  return {
    source,
    signer: { id: keystore.id, algorithm: keystore.algorithm, sign: (message) => keystore.sign(message) },
    signingKey: { spki: ledger.publicKey.pem, vkey: ledger.publicKey.vkey },
    get checkpoint() {
      return ledger.checkpointed?.note;
    },
    seal: async (seen) => {
      await ledger.commit(
        (head) => makeEvidenceRecord(head, madeInfraction(seen, unit, site, clock), clock),
        (record, position, signed) => indexEntryOf({ ...signed, kind: 'evidence', record }, position),
      );
    },
    act: async (act) => {
      await recordAct(ledger, act, clock);
    },
    cosigned: async (note) => {
      // Of an older state than the newest: the newer one is on its way.
      await ledger.cosign(note).catch((error: unknown) => {
        if (!isAtalayaError(error)) throw error;
      });
    },
    close: async () => {
      await ledger.close();
      await keystore.close();
    },
  };
}
