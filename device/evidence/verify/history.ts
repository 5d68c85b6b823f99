import { hash } from 'node:crypto';
import type { ActionRecord, Erasure, Hold } from './action-shape.ts';
import type { Finding, Ledger } from './finding.ts';
import { type Evidence, sequenceOf } from './record-shape.ts';

/** What an entry is, one byte an entry. */
const kinds = { damaged: 0, other: 1, evidence: 2 } as const;
const fingerprintBytes = 16;

/**
 * What the entries say about each other: which packages are held and which erased. Takes 21 bytes an entry, however much was erased,
 * and a little for every hold that lies.
 */
export class History {
  readonly #ledger: Ledger;
  #kinds = new Uint8Array(1024);
  #erasedBy = new Uint32Array(1024);
  #fingerprints = new Uint8Array(1024 * fingerprintBytes);
  readonly #holds = new Map<number, Set<string>>();
  #latestUtc = '';
  #latestBoot = '';
  #latestElapsed = 0;
  /** True where any package has files, or had. */
  hasFiles = false;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get held(): number {
    return this.#holds.size;
  }

  /** Sequence number of the erasure of a package; 0 where it was not erased. */
  erasedBy(sequence: number): number {
    return this.#erasedBy[sequence] ?? 0;
  }

  isEvidence(sequence: number): boolean {
    return this.#kinds[sequence] === kinds.evidence;
  }

  other(sequence: number): void {
    this.#fit(sequence);
    this.#kinds[sequence] = kinds.other;
  }

  evidence(record: Evidence, where: Where): void {
    const { sequence, sealed, files, sealing } = record;
    this.#fit(sequence);
    this.#kinds[sequence] = kinds.evidence;
    const keys = sealing === null ? null : sealing.keys.sha256;
    this.#fingerprints.set(fingerprint(keys, bodiesOf(files)), sequence * fingerprintBytes);
    if (files.length > 0) this.hasFiles = true;
    this.#time(record.boot, sealed, where);
  }

  action(record: ActionRecord, where: Where): void {
    const { action, unit } = record;
    this.other(record.sequence);
    this.#time(record.boot, record.time, where);
    if (isOnUnit(action)) return;
    if (action.kind === 'read' || action.kind === 'export') {
      for (const id of action.evidence) {
        if (this.#target(id, unit, record.sequence) !== undefined) continue;
        const says = `It names ${id.slice(0, 80)}, which is no evidence before it.`;
        this.#ledger.note({ ...where, part: 'record', check: 'spec: action of an entry', says });
      }
      return;
    }
    const target = this.#target(action.evidence, unit, record.sequence);
    if (target === undefined) {
      const part = action.kind === 'erase' ? 'erasure' : 'hold';
      const says = `It names ${action.evidence.slice(0, 80)}, which is no evidence before it.`;
      this.#ledger.fail({ ...where, part, check: 'spec: action of an entry', says });
      return;
    }
    if (action.kind === 'erase') this.#erase(target, action, record.sequence, where);
    else this.#hold(target, action, where);
  }

  #hold(target: number, { kind, hold }: Hold, where: Where): void {
    const names = this.#holds.get(target) ?? new Set<string>();
    const had = kind === 'hold' ? names.has(hold) : !names.delete(hold);
    if (kind === 'hold') names.add(hold);
    if (names.size > 0) this.#holds.set(target, names);
    else this.#holds.delete(target);
    if (had) {
      const says = kind === 'hold' ? 'That hold lay already.' : 'There was no such hold to release.';
      this.#ledger.note({ ...where, part: 'hold', check: 'spec: action of an entry', says });
    }
    if (kind === 'hold' && this.erasedBy(target) > 0) {
      const says = `The package was erased by entry ${this.erasedBy(target)}: nothing is left to hold.`;
      this.#ledger.note({ ...where, part: 'hold', check: 'spec: action of an entry', says });
    }
  }

  #erase(target: number, { keys, bodies }: Erasure, sequence: number, where: Where): void {
    const fail = (part: 'hold' | 'erasure', check: string, says: string) =>
      this.#ledger.fail({ ...where, part, check, says });
    const holds = this.#holds.get(target);
    if (holds !== undefined) {
      const names = [...holds].slice(0, 3).map((name) => name.slice(0, 40));
      fail('hold', 'spec: a hold overrides', `Entry ${target} was erased while it was held (${names.join(', ')}).`);
    }
    const at = target * fingerprintBytes;
    const expected = this.#fingerprints.subarray(at, at + fingerprintBytes);
    if (Buffer.compare(expected, fingerprint(keys, bodies)) !== 0 || new Set(bodies).size !== bodies.length) {
      const says = `It does not name exactly the key file and the bodies of entry ${target}.`;
      fail('erasure', 'spec: an erasure names what it destroys', says);
      return;
    }
    if (this.erasedBy(target) > 0) {
      const says = `Entry ${target} was erased already, by entry ${this.erasedBy(target)}.`;
      this.#ledger.note({ ...where, part: 'erasure', check: 'spec: action of an entry', says });
      return;
    }
    this.#erasedBy[target] = sequence;
    this.#ledger.counts.erased += 1;
  }

  /** The evidence that an id names, where it stands before `sequence`. */
  #target(id: string, unit: string, sequence: number): number | undefined {
    const target = sequenceOf(id, unit);
    return target !== undefined && target < sequence && this.isEvidence(target) ? target : undefined;
  }

  /** A clock may be set: a step back is worth a notice, not a failure. Within one start, elapsed time never steps back. */
  #time(boot: string, { utc, elapsedMs }: { utc: string; elapsedMs: number }, where: Where): void {
    if (utc < this.#latestUtc) {
      const says = `Its time ${utc} lies before that of the entry before it, ${this.#latestUtc}.`;
      this.#ledger.note({ ...where, part: 'record', check: 'spec: times', says });
    }
    this.#latestUtc = utc;
    if (boot === this.#latestBoot && elapsedMs < this.#latestElapsed) {
      const says = `Its elapsed time ${elapsedMs} ms lies before that of the entry before it, ${this.#latestElapsed} ms.`;
      this.#ledger.note({ ...where, part: 'record', check: 'spec: times', says });
    }
    this.#latestBoot = boot;
    this.#latestElapsed = elapsedMs;
  }

  #fit(sequence: number): void {
    if (sequence < this.#kinds.length) return;
    const length = Math.max(this.#kinds.length * 2, sequence + 1);
    this.#kinds = grown(this.#kinds, new Uint8Array(length));
    this.#erasedBy = grown(this.#erasedBy, new Uint32Array(length));
    this.#fingerprints = grown(this.#fingerprints, new Uint8Array(length * fingerprintBytes));
  }
}

type OnUnit = Extract<
  ActionRecord['action'],
  { readonly kind: 'list' | 'command' | 'configuration' | 'test' | 'update' }
>;

/** True for an act that is about no evidence. */
const isOnUnit = (action: ActionRecord['action']): action is OnUnit =>
  action.kind === 'list' ||
  action.kind === 'command' ||
  action.kind === 'configuration' ||
  action.kind === 'test' ||
  action.kind === 'update';

type Where = Pick<Finding, 'path' | 'byte' | 'entry'>;

function grown<T extends Uint8Array | Uint32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

/** Each body once: two files of one package may have the same. */
export const bodiesOf = (files: Evidence['files']): readonly string[] => [...new Set(files.map(({ body }) => body))];

/** Of a key file and bodies in whatever order; 16 bytes of a SHA-256. */
function fingerprint(keys: string | null, bodies: readonly string[]): Buffer {
  return hash('sha256', [keys ?? '-', ...bodies.toSorted()].join('\n'), 'buffer').subarray(0, fingerprintBytes);
}
