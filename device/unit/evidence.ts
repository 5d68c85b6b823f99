import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config-schema.ts';
import { OpenedStore } from '../evidence/desk/audited-store.ts';
import { deskPath, serveDesk } from '../evidence/desk/serve-desk.ts';
import { EvidenceStore } from '../evidence/evidence-store.ts';
import { FileKeystore } from '../evidence/keystore/file-keystore.ts';
import type { Keystore } from '../evidence/keystore/keystore.ts';
import { TpmKeystore } from '../evidence/keystore/tpm-keystore.ts';
import type { RetentionPolicy } from '../evidence/retention/plan-retention.ts';
import { parseRecipients, type Recipients, tryRecipients } from '../evidence/sealing/recipients.ts';
import { ruleNames } from '../judge/infraction.ts';
import type { Clock } from '../kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import { supervise } from '../kernel/supervise.ts';
import { systemTimer } from '../kernel/timer.ts';
import { milliseconds, seconds, toMilliseconds } from '../kernel/units.ts';

/** Where the evidence lies in the data folder. */
export const evidenceFolder = (data: string): string => join(data, 'evidence');

/** The key file where the configuration names none. */
export const defaultKeyFile = (data: string): string => join(data, 'signing-key.pem');

/** The evidence of a running unit, with what it signs with. */
export interface UnitEvidence {
  readonly store: EvidenceStore;
  /** Signs what is stated besides evidence, with the key of the evidence. */
  readonly signer: Pick<Keystore, 'id' | 'algorithm' | 'sign'>;
  /** Undefined: no picture is kept. */
  readonly recipients: Recipients | undefined;
  /**
   * Runs the policies every hour, or every five minutes while `hasten` says so, until the store is closed; what goes wrong is reported and
   * tried again.
   */
  keepHouse(report: (problem: AtalayaError) => void, hasten?: () => boolean): void;
  /** From now on whoever asks at the desk for a self-test is answered with this. */
  answerSelfTests(run: NonNullable<OpenedStore['selfTest']>): void;
  close(): Promise<void>;
}

/**
 * Opens the evidence as it is configured, the signing key made where there is none. `recipients` go before the configured ones. Throws
 * `config-invalid`, the keystore's faults and those of the store.
 */
export async function openEvidence(
  config: Config,
  clock: Clock,
  boot: string,
  recipients: readonly string[] = [],
): Promise<UnitEvidence> {
  const { evidence, unit } = config;
  const sealedTo = await recipientsOf(recipients.length > 0 ? recipients : evidence.authority, evidence.operators);
  const policies = policiesOf(config);
  const keystore = await openKeystore(config);
  try {
    const store = await EvidenceStore.open(evidenceFolder(evidence.data), {
      unit: unit.id,
      boot,
      clock,
      keystore,
      recipients: sealedTo,
      policies,
      witnesses: evidence.witnesses,
      checkpoints: {
        entries: evidence.checkpointEntries,
        time: toMilliseconds(seconds(evidence.checkpointMinutes * 60)),
      },
      keepFreeBytes: evidence.keepFreeMegabytes * 1e6,
      reserveBytes: evidence.reserveMegabytes * 1e6,
    });
    const audited = new OpenedStore(unit.id, keystore.algorithm, store, async () => {});
    const desk = await serveDesk(audited, deskPath(evidenceFolder(evidence.data))).catch(async (error: unknown) => {
      await store.close();
      throw error;
    });
    const closing = new AbortController();
    let house: Promise<void> | undefined;
    return {
      store,
      signer: keystore,
      recipients: sealedTo,
      keepHouse: (report, hasten = () => false) => {
        house ??= keepHouse(store, clock, closing.signal, report, hasten);
      },
      answerSelfTests: (run) => {
        audited.selfTest = run;
      },
      close: async () => {
        closing.abort();
        await house;
        await desk.close();
        await store.close();
        await keystore.close();
      },
    };
  } catch (error) {
    await keystore.close();
    throw error;
  }
}

async function recipientsOf(
  authority: readonly string[],
  operators: readonly string[],
): Promise<Recipients | undefined> {
  if (authority.length === 0 && operators.length === 0) return undefined;
  const recipients = parseRecipients(authority, operators);
  await tryRecipients(recipients);
  return recipients;
}

function policiesOf({ evidence }: Config): readonly RetentionPolicy[] {
  const known: readonly string[] = ruleNames;
  return evidence.retention.map(({ name, rules, keepDays, whenFull }, i) => {
    const strange = rules?.find((rule) => !known.includes(rule));
    if (strange !== undefined) {
      throw new AtalayaError('config-invalid', `evidence.retention[${i}].rules: there is no rule ${strange}`, {
        hint: `The rules are ${ruleNames.join(', ')}.`,
      });
    }
    return { name, rules: rules ?? 'all', keepDays, whenFull };
  });
}

/** A key is made for a store that has none yet; where one has signed, no other may go on. */
async function openKeystore({ evidence: { data, signing } }: Config): Promise<Keystore> {
  const { tpmHandle, tpm, keyFile } = signing;
  if (tpmHandle !== undefined) return TpmKeystore.open({ handle: Number(tpmHandle), tcti: tpm });
  const path = keyFile ?? defaultKeyFile(data);
  const begun = await stat(join(evidenceFolder(data), 'public')).catch(() => undefined);
  if (begun === undefined) return FileKeystore.openOrCreate(path);
  return FileKeystore.open(path).catch((error: unknown) => {
    if (!isAtalayaError(error, 'key-missing')) throw error;
    throw new AtalayaError('key-missing', `${error.message}, and the evidence in ${data} was signed with it`, {
      hint: 'Put the key back, or let the unit begin in another data folder; a new key would be another signer.',
      cause: error,
    });
  });
}

const BETWEEN_PASSES = toMilliseconds(seconds(3600));
const BETWEEN_HASTY = toMilliseconds(seconds(300));

async function keepHouse(
  store: EvidenceStore,
  clock: Clock,
  signal: AbortSignal,
  report: (problem: AtalayaError) => void,
  hasten: () => boolean,
): Promise<void> {
  const passes = async ({ signal: stop, beat }: { readonly signal: AbortSignal; beat(): void }) => {
    while (!stop.aborted) {
      await store.retain();
      beat();
      const began = clock.monotonic();
      const due = () => clock.monotonic() - began >= (hasten() ? BETWEEN_HASTY : BETWEEN_PASSES);
      while (!stop.aborted && !due()) await systemTimer.sleep(milliseconds(BETWEEN_HASTY / 10), stop);
    }
  };
  await supervise(passes, {
    name: 'retention',
    signal,
    clock,
    timer: systemTimer,
    random: Math.random,
    backoff: { first: toMilliseconds(seconds(60)), most: BETWEEN_PASSES },
    deadline: milliseconds(2 * BETWEEN_PASSES),
    grace: toMilliseconds(seconds(3)),
    onFault: report,
  }).catch((error: unknown) => report(error as AtalayaError));
}
