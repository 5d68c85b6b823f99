import { z } from 'zod';
import type { Session } from '../../../cloud-bridge/cli/fleet/session.ts';
import type { RouteResponse } from '../../../cloud-bridge/contract/api.ts';
import { type LedgerEntry, ledgerEntry } from '../../../cloud-bridge/contract/events.ts';
import { leafOf } from '../../../device/evidence/verify/entry.ts';
import { parseKey } from '../../../device/evidence/verify/keys.ts';
import { Frontier, leafHash } from '../../../device/evidence/verify/merkle.ts';
import { sequenceOf } from '../../../device/evidence/verify/record-shape.ts';
import { verifyEntry } from '../../../device/evidence/verify/verify-entry.ts';
import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { milliseconds, toIso } from '../../../device/kernel/units.ts';
import type { EvidenceProof } from '../../accept/acceptance.ts';

type Archived = RouteResponse<'events'>['events'][number];
type UnitAtCentre = RouteResponse<'unit'>;

export interface ProofWish {
  readonly unit: string;
  readonly sequence: number;
  readonly id: string;
  /** SHA-256 of the SubjectPublicKeyInfo that the unit's own page showed for its evidence; undefined where nobody saw it. */
  readonly evidenceKey: string | undefined;
  /** How long the entry may take to the centre, and the checkpoint after it. */
  readonly waitS: number;
}

const lookEvery = milliseconds(1000);
/** Of a page of entries, and of a whole ledger that is read to compute the root of its log. */
const page = 1000;
const mostEntries = 50_000;

/**
 * Looks for an entry of a unit's ledger at the centre and verifies it with the code that verifies evidence, which shares nothing with the
 * code that seals it: signature under the key that the centre knows of the unit, shape of the record, unit, number and id; then, where a
 * checkpoint covers it, that the archived entries give the root of that checkpoint (RFC 6962 section 2.1).
 *
 * `session` is of somebody who may read events. Throws `act-refused` where they may not, `bridge-unavailable`.
 */
export async function proveEvidence(session: Session, wish: ProofWish): Promise<EvidenceProof> {
  const { client, io } = session;
  const { unit, sequence, id } = wish;
  const at = () => toIso(io.clock.utc());
  const failed = (says: string): EvidenceProof => ({
    ...{ sequence, id, outcome: 'failed', says, record: null, signer: null },
    ...{ inclusion: 'not-readable', checkpoint: null, at: at() },
  });
  const until = io.clock.monotonic() + wish.waitS * 1000;
  const found = await arrival(session, wish, until);
  if (found === undefined) {
    return failed(
      `entry ${sequence} has not come to the centre within ${wish.waitS} s: look at the unit's network, and try again`,
    );
  }
  const known = await client.call('unit', { parameters: { unit } }, io.signal);
  const key = keyAtCentre(known, wish);
  if ('says' in key) return failed(key.says);
  const read = ledgerEntry.safeParse(found.data);
  if (!read.success) return failed('what the centre has in its place is no entry of a ledger');
  const record = bytesOf(read.data);
  const fault = entryFault(read.data, key, wish);
  if (fault !== undefined) return failed(fault);
  const { inclusion, checkpoint } = await included(session, wish, found, until);
  if (inclusion === 'differs') {
    return failed(
      `the entries at the centre do not give the root of the log that the unit signed over ${checkpoint?.size} entries`,
    );
  }
  const words = {
    proven: `and the log of ${checkpoint?.size} entries holds it`,
    'not-yet': 'and no checkpoint of the log covers it yet',
    'not-readable': 'and whether the log holds it could not be computed from what is at the centre',
  } as const;
  return {
    ...{ sequence, id, outcome: 'proven', record: sha256(record), signer: key.signer, inclusion, checkpoint, at: at() },
    says: `found at the centre, signed by the unit's key ${key.signer.slice(0, 16)}, ${words[inclusion]}`,
  };
}

/** The entry, once it is archived; undefined where it does not come in time. */
async function arrival({ client, io }: Session, wish: ProofWish, until: number): Promise<Archived | undefined> {
  const { unit, sequence } = wish;
  for (;;) {
    const query = { unit, lane: 'infraction', order: 'newest', limit: page };
    const { events } = await client.call('events', { parameters: {}, query }, io.signal);
    const found = events.find((one) => one.sequence === sequence);
    if (found !== undefined) return found;
    if (io.clock.monotonic() >= until) return undefined;
    await io.timer.sleep(lookEvery, io.signal);
    io.signal.throwIfAborted();
  }
}

interface CentreKey {
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly signer: string;
  /** PEM. */
  readonly text: string;
}

/** The key that the centre holds this unit's records against, or why that is none to go by. */
export function keyAtCentre(
  { key, presented }: UnitAtCentre,
  { evidenceKey }: ProofWish,
): CentreKey | { says: string } {
  if (key === undefined) return { says: 'the centre knows no key of this unit yet: wait until it has said its state' };
  if (presented !== undefined)
    return { says: 'the unit came to the centre with another key than before: have a supervisor accept it first' };
  let signer: string;
  try {
    ({ signer } = parseKey(key.spki));
  } catch {
    return { says: 'the key that the centre has of this unit cannot be read' };
  }
  if (evidenceKey !== undefined && evidenceKey !== signer) {
    return {
      says: `the centre has the key ${signer.slice(0, 16)} of this unit, and the unit itself showed ${evidenceKey.slice(0, 16)}: another unit may be sending under its name`,
    };
  }
  return { signer, text: key.spki };
}

/** The signed bytes: RFC 8785 canonical JSON. */
const bytesOf = ({ record }: LedgerEntry): Buffer => Buffer.from(canonicalJson(record as JsonValue));

/** A record of a test; what else it holds the verifier has looked at. */
const testRecord = z.looseObject({ action: z.looseObject({ kind: z.literal('test') }) });

/** What is wrong with the entry, in words that follow "test evidence:". */
function entryFault(
  { record, signature }: LedgerEntry,
  { signer, text }: CentreKey,
  { unit, sequence, id }: ProofWish,
): string | undefined {
  const payload = Buffer.from(canonicalJson({ record, signature } as JsonValue));
  const faults = verifyEntry({ payload, sequence, key: text });
  if (faults.length > 0) return `it does not verify under the unit's key ${signer.slice(0, 16)}: ${faults.join(' ')}`;
  if (record.unit !== unit) return `its record is of the unit ${record.unit}`;
  if (sequenceOf(id, unit) !== sequence) return `the unit calls it ${id}, which is not the id of entry ${sequence}`;
  return testRecord.safeParse(record).success ? undefined : `entry ${sequence} is no test evidence`;
}

interface Inclusion {
  readonly inclusion: 'proven' | 'not-yet' | 'not-readable' | 'differs';
  readonly checkpoint: EvidenceProof['checkpoint'];
}

/** Waits for a checkpoint that covers the entry, and computes its root from the entries at the centre. */
async function included(session: Session, wish: ProofWish, found: Archived, until: number): Promise<Inclusion> {
  const { client, io } = session;
  for (;;) {
    const { checkpoint } = await client.call('unit', { parameters: { unit: wish.unit } }, io.signal);
    if (checkpoint !== undefined && checkpoint.size >= wish.sequence) {
      const { size, root } = checkpoint;
      const computed = await rootOf(session, wish.unit, found.stream, size);
      if (computed === undefined) return { inclusion: 'not-readable', checkpoint: { size, root } };
      return { inclusion: computed === root ? 'proven' : 'differs', checkpoint: { size, root } };
    }
    if (io.clock.monotonic() >= until) return { inclusion: 'not-yet', checkpoint: null };
    await io.timer.sleep(lookEvery, io.signal);
    io.signal.throwIfAborted();
  }
}

/** The root of the first `size` entries, in base64; undefined where the centre lacks one of them, or they are too many to be read here. */
async function rootOf(session: Session, unit: string, stream: string, size: number): Promise<string | undefined> {
  if (size > mostEntries) return undefined;
  const leaves = new Map<number, Buffer>();
  for await (const event of entriesOf(session, unit)) {
    const read = event.stream === stream && event.sequence <= size ? ledgerEntry.safeParse(event.data) : undefined;
    if (read?.success !== true) continue;
    leaves.set(event.sequence, leafHash(leafOf(bytesOf(read.data), Buffer.from(read.data.signature, 'base64'))));
    if (leaves.size === size) break;
  }
  const tree = new Frontier();
  for (let sequence = 1; sequence <= size; sequence += 1) {
    const leaf = leaves.get(sequence);
    if (leaf === undefined) return undefined;
    tree.append(leaf);
  }
  return tree.root().toString('base64');
}

async function* entriesOf({ client, io }: Session, unit: string): AsyncGenerator<Archived> {
  let after = 0;
  for (let read = 0; read <= 2 * mostEntries; ) {
    const query = { unit, lane: 'infraction', order: 'position', after, limit: page };
    const { events } = await client.call('events', { parameters: {}, query }, io.signal);
    yield* events;
    read += events.length;
    if (events.length < page) return;
    after = events.at(-1)?.position ?? after;
  }
}
