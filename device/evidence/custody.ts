import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { makeFolders, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { type Files, listIfThere } from '../kernel/files.ts';
import type { EvidenceLine } from './index/index-store.ts';
import type { Committed, Ledger } from './ledger.ts';
import type { Action, ActionRecord, Actor } from './record/action-record.ts';
import { sequenceOf } from './record/make-record.ts';
import type { EvidenceRecord } from './record/record.ts';
import { commitAct } from './record-act.ts';
import type { PackageSealer } from './sealing/package-sealer.ts';

/** Who does something to evidence, and why. */
export interface Authorship {
  readonly actor: Actor;
  /** Not empty: without a reason nothing is done. */
  readonly reason: string;
}

/**
 * What is done to evidence after it was sealed: looked at, held, released, erased. Each act is a signed entry of the log before it
 * has any effect, and none is possible without a reason.
 *
 * Guarantees: evidence that is held by anybody is not erased; an erasure is in the log before the first byte is destroyed, and once it
 * is there the destruction is finished, by a later start where need be. One act at a time.
 */
export class Custody {
  readonly #unit: string;
  readonly #clock: Clock;
  readonly #files: Files;
  /** A file an erasure that is under way, named by the evidence's number, so that a start knows what to finish. */
  readonly #pending: string;
  readonly #ledger: Ledger;
  readonly #sealer: PackageSealer;
  #turn: Promise<unknown> = Promise.resolve();
  #holds: Map<string, Set<string>> | undefined;
  #closed = false;

  constructor(
    folder: string,
    options: { readonly unit: string; readonly clock: Clock; readonly files: Files },
    ledger: Ledger,
    sealer: PackageSealer,
  ) {
    this.#unit = options.unit;
    this.#clock = options.clock;
    this.#files = options.files;
    this.#pending = join(folder, 'erasing');
    this.#ledger = ledger;
    this.#sealer = sealer;
  }

  /** States that evidence was looked at. Returns when the entry is durable: only then may anything be shown. */
  note(
    action: Extract<Action, { kind: 'list' | 'read' | 'export' }>,
    by: Authorship,
  ): Promise<Committed<ActionRecord>> {
    return this.#inTurn(async () => {
      if (action.kind !== 'list') for (const id of action.evidence) await this.line(id);
      return this.#commit(action, by);
    });
  }

  /** Puts a hold on evidence: nothing erases it until every hold is released. Throws `evidence-unknown` and `evidence-erased`. */
  hold(id: string, name: string, by: Authorship): Promise<Committed<ActionRecord>> {
    return this.#inTurn(async () => {
      const { erased, holds } = await this.line(id);
      if (erased !== null) throw gone(id, erased);
      if (holds.includes(name))
        throw refused(`${id} is already held by ${name}`, 'Choose another name for a second hold.');
      return this.#commit({ kind: 'hold', evidence: id, hold: name }, by);
    });
  }

  /** Releases one hold. Throws `evidence-unknown`, and `evidence-held` naming the holds where there is none of this name. */
  release(id: string, name: string, by: Authorship): Promise<Committed<ActionRecord>> {
    return this.#inTurn(async () => {
      const { holds } = await this.line(id);
      if (!holds.includes(name)) {
        throw refused(`${id} is not held by ${name}`, `Its holds: ${holds.length === 0 ? 'none' : holds.join(', ')}.`);
      }
      return this.#commit({ kind: 'release', evidence: id, hold: name }, by);
    });
  }

  /**
   * Erases evidence: the erasure is stated, then the key file is destroyed and the files after it. The record stays, with all proofs.
   * Throws `evidence-unknown`, `evidence-erased`, `evidence-held` naming the holds, and `store-failed` where the destruction could not
   * be finished: it is then finished by `finish`.
   */
  erase(id: string, by: Authorship): Promise<Committed<ActionRecord>> {
    return this.#inTurn(async () => {
      const { erased, holds: listed, position } = await this.line(id);
      if (erased !== null) throw gone(id, erased);
      const held = await this.#held();
      const holds = [...new Set([...listed, ...(held.get(id) ?? [])])];
      if (holds.length > 0) {
        throw new AtalayaError('evidence-held', `${id} is held by ${holds.join(', ')} and is not erased`, {
          hint: 'Release every hold first, with the reason why it may go.',
        });
      }
      const { sequence } = position;
      const { keys, bodies } = await this.#destructible(sequence);
      await makeFolders(this.#files, this.#pending);
      await writeWholeFile(this.#files, join(this.#pending, String(sequence)), Buffer.from(`${id}\n`));
      const committed = await this.#commit({ kind: 'erase', evidence: id, keys, bodies: [...bodies] }, by);
      await this.#destroy(sequence, { keys, bodies });
      return committed;
    });
  }

  /**
   * Every hold that stands, by the journal: the index is for listing, and what destroys looks at the truth. Read once, before the first
   * erasure of a run; from then on each act keeps it level.
   */
  async #held(): Promise<Map<string, Set<string>>> {
    if (this.#holds === undefined) {
      const holds = new Map<string, Set<string>>();
      for await (const { action } of this.#ledger.holdActs()) takeHold(holds, action);
      this.#holds = holds;
    }
    return this.#holds;
  }

  /** Finishes the erasures that an earlier run began; one that was never stated did not happen. Returns how many were finished. */
  finish(): Promise<number> {
    return this.#inTurn(async () => {
      let finished = 0;
      for (const name of await listIfThere(this.#files, this.#pending)) {
        const sequence = /^[1-9]\d*$/.test(name) ? Number(name) : undefined;
        const line = sequence === undefined ? undefined : await this.#ledger.line(sequence);
        if (sequence !== undefined && line?.kind === 'evidence' && line.erased !== null) {
          await this.#destroy(sequence, await this.#destructible(sequence));
          finished += 1;
        } else await this.#files.remove(join(this.#pending, name));
      }
      return finished;
    });
  }

  /** The index line of evidence. Throws `evidence-unknown`. */
  async line(id: string): Promise<EvidenceLine> {
    const sequence = sequenceOf(this.#unit, id);
    const line = sequence === undefined ? undefined : await this.#ledger.line(sequence);
    if (line?.kind !== 'evidence') {
      throw new AtalayaError('evidence-unknown', `there is no evidence ${id} here`, {
        hint: `Ids of this unit look like ${this.#unit}-000000001; \`list\` shows them.`,
      });
    }
    return line;
  }

  /** Refuses what comes new with `store-closed`, and resolves when the act that is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
  }

  async #commit(action: Action, { actor, reason }: Authorship): Promise<Committed<ActionRecord>> {
    const committed = await commitAct(this.#ledger, { actor, action, reason }, this.#clock);
    if (this.#holds !== undefined) takeHold(this.#holds, action);
    return committed;
  }

  async #destroy(sequence: number, { keys, bodies }: Destructible): Promise<void> {
    if (keys !== null) await this.#sealer.destroy(keys, bodies);
    // Where it stays, the next start finds nothing left to destroy, and removes it.
    await this.#files.remove(join(this.#pending, String(sequence))).catch(() => undefined);
  }

  async #destructible(sequence: number): Promise<Destructible> {
    const entry = await this.#ledger.read(sequence);
    if (entry?.kind !== 'evidence')
      throw new AtalayaError('store-damaged', `entry ${sequence} is no evidence any more`);
    return filesOf(entry.record);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new AtalayaError('store-closed', 'the evidence store is closed');
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function takeHold(holds: Map<string, Set<string>>, action: Action): void {
  if (action.kind === 'hold') {
    holds.set(action.evidence, (holds.get(action.evidence) ?? new Set()).add(action.hold));
  } else if (action.kind === 'release') {
    const names = holds.get(action.evidence);
    names?.delete(action.hold);
    if (names?.size === 0) holds.delete(action.evidence);
  }
}

/** What an erasure destroys. */
interface Destructible {
  readonly keys: string | null;
  readonly bodies: readonly string[];
}

const filesOf = ({ sealing, files }: EvidenceRecord): Destructible => ({
  keys: sealing?.keys.sha256 ?? null,
  bodies: files.map(({ body }) => body),
});

function gone(id: string, by: number): AtalayaError {
  return new AtalayaError('evidence-erased', `${id} was erased: entry ${by} says by whom and why`, {
    hint: `Show entry ${by}; the record of ${id} and its proofs are still here.`,
  });
}

function refused(message: string, hint: string): AtalayaError {
  return new AtalayaError('evidence-held', message, { hint });
}
