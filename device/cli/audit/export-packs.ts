import { join } from 'node:path';
import { writePack } from '../../audit/pack.ts';
import type { PackParts } from '../../audit/pack-parts.ts';
import type { AuditedStore } from '../../evidence/desk/audited-store.ts';
import { rederive } from '../../evidence/re-derive/re-derive.ts';
import { inWords } from '../../evidence/re-derive/words.ts';
import { leafOf } from '../../evidence/record/envelope.ts';
import { sequenceOf } from '../../evidence/record/make-record.ts';
import type { EvidenceRecord } from '../../evidence/record/record.ts';
import { openWith, parseIdentities, recipientOf } from '../../evidence/sealing/identity.ts';
import { verdictText } from '../../evidence/verify/verdict-text.ts';
import { systemClock } from '../../kernel/clock.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { toIso } from '../../kernel/units.ts';
import { grownFrom, logProofs, sizeOfKept } from './log-proofs.ts';
import { type ActFlags, authorship, evidenceOf, onStore } from './looking.ts';
import { newPlace, writingOutside } from './output-place.ts';
import { smallText } from './small-text.ts';
import { evidenceAt } from './store-at.ts';

export interface ExportFlags extends ActFlags {
  /** A new folder: the pack of one evidence, or a folder a pack of several. */
  readonly out: string;
  /** The authority's age identities: the pack then holds the pictures opened as well. */
  readonly identity?: string;
  /** A checkpoint that the auditor kept: the pack then proves that nothing before it was rewritten. */
  readonly since?: string;
}

interface Kept {
  readonly note: string;
  readonly size: number;
}

/**
 * Writes an audit pack for each evidence. The export is an entry of the log, and the checkpoint of every pack covers it.
 *
 * Whatever can be refused is refused before anything is stated or written. A pack is there whole or not at all. False where the log
 * does not begin with the kept checkpoint: the findings are printed and nothing is exported.
 */
export async function exportPacks(
  ids: readonly string[],
  flags: ExportFlags,
  print: (text: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const by = authorship(flags);
  const wanted = [...new Set(ids)];
  const evidence = await evidenceAt(flags.store);
  const out = await newPlace(flags.out, evidence);
  const identities = flags.identity === undefined ? undefined : await identitiesAt(flags.identity);
  const note = flags.since === undefined ? undefined : await smallText(flags.since, 'a kept checkpoint');
  return onStore(flags, async (store) => {
    for (const id of wanted) {
      const { record } = await evidenceOf(store, id);
      if (identities !== undefined) await needKeyOf(record, identities);
    }
    const kept = note === undefined ? undefined : { note, size: sizeOfKept(store, note) };
    if (kept !== undefined) {
      const verdict = await grownFrom(store, kept.note, kept.size);
      if (!verdict.ok) {
        print(
          `${verdictText(verdict).trimEnd()}\nnothing was exported: the log is not what it was at the kept checkpoint`,
        );
        return false;
      }
    }
    signal.throwIfAborted();
    await store.act({ kind: 'export', evidence: wanted, opened: identities !== undefined }, by);
    for (const id of wanted) {
      const parts = await partsOf(store, id, { kept, identities, flags, signal });
      const folder = wanted.length === 1 ? out : join(out, id);
      const pack = await writingOutside(evidence, () => writePack(folder, parts));
      print(`${id}: ${pack.files.length} files in\n  ${pack.folder}`);
    }
    print('Whoever checks it needs the public key from another source: sh verify.sh KEY.pem');
    return true;
  });
}

/** Throws `usage-invalid` and `key-invalid`. */
async function identitiesAt(path: string): Promise<readonly string[]> {
  return parseIdentities(await smallText(path, "the authority's identity, as `new-authority` or age-keygen wrote it"));
}

/** One of the identities must be of the authority that evidence is sealed to. Throws `key-wrong`. */
async function needKeyOf({ id, sealing }: EvidenceRecord, identities: readonly string[]): Promise<void> {
  if (sealing === null) return;
  for (const identity of identities) if (sealing.recipients.includes(await recipientOf(identity))) return;
  throw new AtalayaError('key-wrong', `this identity does not open ${id}: it is sealed to somebody else`, {
    hint: `Give the identity of ${sealing.recipients.join(' or ')}, or leave --identity away: the pack is then sealed.`,
  });
}

interface Asked {
  readonly kept: Kept | undefined;
  readonly identities: readonly string[] | undefined;
  readonly flags: ExportFlags;
  readonly signal: AbortSignal;
}

async function partsOf(
  store: AuditedStore,
  id: string,
  { kept, identities, flags, signal }: Asked,
): Promise<PackParts> {
  signal.throwIfAborted();
  const { record, bytes, signature } = await evidenceOf(store, id);
  const erasedBy = await erasureOf(store, id);
  const erasure = erasedBy === undefined ? undefined : await store.entry(erasedBy);
  const proofs = await logProofs(store, record.sequence, { erasedBy, since: kept?.size });
  const ciphertext = (name: string) => until(signal, store.ciphertext(record, name));
  return {
    record,
    recordBytes: bytes,
    signature,
    leaf: leafOf({ bytes, signature }),
    checkpoint: proofs.checkpoint.note,
    inclusion: proofs.inclusion,
    publicKey: store.publicKey,
    files: (erasure === undefined ? record.files : []).map(({ name }) => ({
      name,
      ciphertext: () => ciphertext(name),
      ...(identities === undefined ? {} : { opened: () => openWith(identities, ciphertext(name)) }),
    })),
    ...(erasure === undefined || proofs.erasure === undefined
      ? {}
      : {
          erasure: {
            recordBytes: erasure.bytes,
            signature: erasure.signature,
            leaf: leafOf(erasure),
            inclusion: proofs.erasure,
          },
        }),
    ...(kept === undefined || proofs.consistency === undefined
      ? {}
      : { since: { checkpoint: kept.note, consistency: proofs.consistency } }),
    rederivation: inWords(rederive(record)),
    exported: { who: flags.who, why: flags.why, when: toIso(systemClock.utc()) },
  };
}

/** What arrives until somebody stops it. */
async function* until(signal: AbortSignal, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** The entry that erased evidence. */
async function erasureOf(store: AuditedStore, id: string): Promise<number | undefined> {
  for await (const line of store.lines(sequenceOf(store.unit, id) ?? 0)) {
    return line.kind === 'evidence' ? (line.erased ?? undefined) : undefined;
  }
  return undefined;
}
