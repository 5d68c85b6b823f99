/** What a check looked at. */
export type Part =
  /** A segment of the journal: its name, its chain to the one before, the frames of its entries, their order. */
  | 'journal'
  /** What a unit states: the signed bytes of an entry, or `record.json` of a pack. */
  | 'record'
  | 'signature'
  /** A copy of the unit's public key that lies beside the evidence. */
  | 'key'
  /** The body of an age file. */
  | 'blob'
  /** The age headers of a package. */
  | 'key-file'
  /** An age file of a package as a whole, or any other file. */
  | 'file'
  | 'tile'
  | 'entry-bundle'
  | 'checkpoint'
  | 'witness'
  | 'inclusion-proof'
  | 'consistency-proof'
  | 'leaf'
  /** `SHA256SUMS` of a pack, or a file that is not the one that it names. */
  | 'sums'
  | 'erasure'
  | 'hold';

export interface Finding {
  /** A failure takes the verdict's `ok`; a notice is something that a person should know and that proves nothing wrong. */
  readonly severity: 'failure' | 'notice';
  readonly part: Part;
  /** From the folder that was verified, with `/`; for a text that is no file there, its name. */
  readonly path: string;
  /** Offset in the file of `path`, as exactly as can be known. */
  readonly byte?: number;
  /** Sequence number of the entry that it is about. */
  readonly entry?: number;
  /** The clause that was enforced. */
  readonly check: string;
  /** One plain sentence. */
  readonly says: string;
}

export interface Counts {
  readonly segments: number;
  /** Entries that were read whole, of any kind. */
  readonly records: number;
  readonly evidence: number;
  readonly actions: number;
  /** Entries whose schema this software does not know. */
  readonly unknown: number;
  /** Packages that an erasure entry says are destroyed. */
  readonly erased: number;
  /** Packages on which a hold lies at the end. */
  readonly held: number;
  /** Signatures that were checked, those of checkpoints and witnesses included. */
  readonly signatures: number;
  /** Age files whose ciphertext is the one that the record names. */
  readonly files: number;
  /** Bytes that were read. */
  readonly bytes: number;
  readonly tiles: number;
  readonly bundles: number;
  readonly failures: number;
  readonly notices: number;
}

export interface Witnessed {
  readonly name: string;
  /** Seconds since 1970, as the witness states them. */
  readonly time: number;
}

export interface Verdict {
  /** True where there is no failure. */
  readonly ok: boolean;
  /** In the order in which they were met; at most `mostFindings` of each severity, `counts` has all of them. */
  readonly findings: readonly Finding[];
  readonly counts: Counts;
  /** The newest checkpoint, where its signature is good. `root` in base64. */
  readonly checkpoint?: { readonly size: number; readonly root: string };
  /** Cosignatures of that checkpoint by the witnesses that were given. */
  readonly witnessed: readonly Witnessed[];
  readonly unit?: string;
  readonly seconds: number;
}

/** Findings of a severity that a verdict spells out: a store of a million damaged entries must not fill the memory. */
export const mostFindings = 1000;

type Tally = { -readonly [name in keyof Counts]: number };

/** Everything that a run finds and counts. */
export class Ledger {
  readonly counts: Tally = {
    segments: 0,
    records: 0,
    evidence: 0,
    actions: 0,
    unknown: 0,
    erased: 0,
    held: 0,
    signatures: 0,
    files: 0,
    bytes: 0,
    tiles: 0,
    bundles: 0,
    failures: 0,
    notices: 0,
  };
  witnessed: readonly Witnessed[] = [];
  checkpoint: { readonly size: number; readonly root: string } | undefined;
  unit: string | undefined;
  readonly #findings: Finding[] = [];

  fail(finding: Omit<Finding, 'severity'>): void {
    this.counts.failures += 1;
    if (this.counts.failures <= mostFindings) this.#findings.push({ severity: 'failure', ...finding });
  }

  note(finding: Omit<Finding, 'severity'>): void {
    this.counts.notices += 1;
    if (this.counts.notices <= mostFindings) this.#findings.push({ severity: 'notice', ...finding });
  }

  verdict(seconds: number): Verdict {
    return {
      ok: this.counts.failures === 0,
      findings: [...this.#findings],
      counts: { ...this.counts },
      ...(this.checkpoint === undefined ? {} : { checkpoint: this.checkpoint }),
      witnessed: [...this.witnessed],
      ...(this.unit === undefined ? {} : { unit: this.unit }),
      seconds,
    };
  }
}
