import type { Clock } from '../kernel/clock.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { sha256 } from '../kernel/hash.ts';
import type { Committed, Ledger } from './ledger.ts';
import type { Action, ActionRecord, Actor } from './record/action-record.ts';
import { payloadOf } from './record/envelope.ts';
import { evidenceId } from './record/make-record.ts';
import { commitAct } from './record-act.ts';
import { encrypterFor, type Recipients } from './sealing/recipients.ts';
import { verifyEntry } from './verify/verify-entry.ts';

/** Bytes of a JPEG that a test record carries, sealed and in base64, beside the rest of an event for the centre. */
export const mostTestPicture = 40_000;

export interface TestEvidence {
  readonly actor: Actor;
  readonly reason: string;
  /** A JPEG in which people and plates are covered; absent where the camera has none. */
  readonly picture?: Uint8Array | undefined;
}

export interface SealedTest {
  readonly sequence: number;
  /** As ids of evidence are made; no evidence bears it. */
  readonly id: string;
  /** Of the sealed picture; 0 where there is none. */
  readonly pictureBytes: number;
  /** What the verifier says against it, a sentence each. */
  readonly faults: readonly string[];
}

/**
 * Takes a test down the whole way of evidence: its picture encrypted to the authority, the record signed, durable, in the log and under a
 * new checkpoint; then read back and verified by the verifier that auditors use.
 *
 * It is an act and no evidence: no list of infractions has it, no policy erases it or counts it, and the centre gets it as an `audit` event.
 * Throws as `Ledger.commit` and `Ledger.checkpoint`, and `usage-invalid` for a picture that is too large.
 */
export async function sealTest(
  ledger: Pick<Ledger, 'commit' | 'checkpoint' | 'inclusion' | 'read' | 'publicKey'>,
  recipients: Recipients | undefined,
  { actor, reason, picture }: TestEvidence,
  clock: Clock,
): Promise<SealedTest> {
  const sealed = picture === undefined || recipients === undefined ? null : await sealedPicture(picture, recipients);
  const action: Action = { kind: 'test', picture: sealed };
  const committed = await commitAct(ledger, { actor, action, reason }, clock);
  const { sequence, record } = committed;
  return {
    sequence,
    id: evidenceId(record.unit, sequence),
    pictureBytes: sealed?.bytes ?? 0,
    faults: await faultsOf(ledger, committed, sealed !== null),
  };
}

type SealedPicture = NonNullable<Extract<Action, { readonly kind: 'test' }>['picture']>;

async function sealedPicture(picture: Uint8Array, { authority }: Recipients): Promise<SealedPicture> {
  if (picture.byteLength > mostTestPicture) {
    throw new AtalayaError('usage-invalid', `a test picture has ${picture.byteLength} bytes`, {
      hint: `Make it smaller than ${mostTestPicture}.`,
    });
  }
  const age = Buffer.from(await encrypterFor(authority).encrypt(picture));
  return {
    mediaType: 'image/jpeg',
    format: 'age-encryption.org/v1',
    recipients: [...authority],
    bytes: age.byteLength,
    sha256: sha256(age),
    age: age.toString('base64'),
  };
}

/** The entry as the disk gives it back, against the newest checkpoint; another writer may be a checkpoint further meanwhile. */
async function faultsOf(
  ledger: Pick<Ledger, 'checkpoint' | 'inclusion' | 'read' | 'publicKey'>,
  { sequence, bytes, signature }: Committed<ActionRecord>,
  pictured: boolean,
): Promise<readonly string[]> {
  const entry = await ledger.read(sequence);
  if (entry === undefined) return ['The entry is not found again.'];
  const { checkpoint, index, size, hashes } = await provenIn(ledger, sequence);
  const said = verifyEntry({
    payload: payloadOf(entry),
    sequence,
    key: ledger.publicKey.vkey,
    ...(checkpoint === undefined ? {} : { inclusion: { index, size, hashes, note: checkpoint.note } }),
  });
  const isSame = entry.bytes.equals(bytes) && entry.signature.equals(signature);
  return [
    ...said,
    ...(isSame ? [] : ['What is read back is not what was written.']),
    ...(checkpoint === undefined ? ['No checkpoint covers the entry.'] : []),
    ...(entry.kind === 'action' && pictured ? pictureFaults(entry.record.action) : []),
  ];
}

async function provenIn(
  ledger: Pick<Ledger, 'checkpoint' | 'inclusion'>,
  sequence: number,
): ReturnType<Ledger['inclusion']> {
  await ledger.checkpoint();
  return ledger.inclusion(sequence);
}

function pictureFaults(action: Action): readonly string[] {
  if (action.kind !== 'test' || action.picture === null) return ['The sealed picture is not there.'];
  const { age, bytes, sha256: digest } = action.picture;
  const content = Buffer.from(age, 'base64');
  const isWhole = content.byteLength === bytes && sha256(content) === digest;
  return isWhole && content.subarray(0, 21).toString('latin1') === 'age-encryption.org/v1'
    ? []
    : ['The sealed picture is not the one that was sealed.'];
}
