import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Desired } from '../../contract/acts.ts';
import { type Rollout, type RolloutPlan, rollout, rolloutPlan, type UpdatePlan } from '../../contract/rollout.ts';
import type { Archive } from '../archive/archive.ts';
import { byUnit } from './make-rollout.ts';

export type RolloutDocuments = Pick<Archive, 'document' | 'documents' | 'putDocument'>;

/** A rollout as it lies in the archive. */
export interface Kept {
  readonly version: number;
  readonly rollout: Rollout;
  /** The bridge that keeps it, until then. */
  readonly holder: string;
  readonly until: string;
}

/** What a plan gives its units: the signed documents, by unit, or the update. */
export interface Papers {
  readonly documents: ReadonlyMap<string, Desired>;
  readonly rollbacks: ReadonlyMap<string, Desired>;
  readonly update?: UpdatePlan | undefined;
}

/** Rollouts in the archive: the plan, which never changes, apart from the progress, which changes often. */
export class RolloutStore {
  readonly #archive: RolloutDocuments;
  readonly #papers = new Map<string, Papers>();

  constructor(archive: RolloutDocuments) {
    this.#archive = archive;
  }

  async load(id: string): Promise<Kept | undefined> {
    const document = await this.#archive.document('rollout', progressKey(id));
    return document === undefined ? undefined : kept(document.value, document.version);
  }

  async list(): Promise<readonly Rollout[]> {
    const all = await this.#archive.documents('rollout', progressKey(''));
    return all.map(({ value, version }) => kept(value, version).rollout);
  }

  /** False where it has changed since it was loaded. */
  put({ version, rollout, holder, until }: Kept): Promise<boolean> {
    return this.#archive.putDocument('rollout', progressKey(rollout.id), { rollout, holder, until }, version);
  }

  /** Whether the plan stands, where `write` asks for it after it was written; `other`: another one of this id does. */
  async putPlan(plan: RolloutPlan, way: 'look' | 'write'): Promise<'absent' | 'stands' | 'other'> {
    const before = await this.#archive.document('rollout', planKey(plan.id));
    if (before !== undefined) return canonicalJson(before.value) === canonicalJson(plan) ? 'stands' : 'other';
    if (way === 'look') return 'absent';
    return (await this.#archive.putDocument('rollout', planKey(plan.id), plan, 0)) ? 'stands' : 'other';
  }

  async papers(id: string): Promise<Papers> {
    const known = this.#papers.get(id);
    if (known !== undefined) return known;
    const document = await this.#archive.document('rollout', planKey(id));
    const plan = rolloutPlan.safeParse(document?.value);
    if (!plan.success) throw new AtalayaError('store-damaged', `the plan of the rollout ${id} cannot be read`);
    const { documents, rollbacks, update } = plan.data;
    const papers = { documents: byUnit(documents), rollbacks: byUnit(rollbacks), update };
    this.#papers.set(id, papers);
    return papers;
  }

  /** Its documents need not stay in memory. */
  forget(id: string): void {
    this.#papers.delete(id);
  }
}

const planKey = (id: string): string => `plan/${id}`;
const progressKey = (id: string): string => `progress/${id}`;

function kept(value: JsonValue, version: number): Kept {
  const {
    rollout: inner,
    holder,
    until,
  } = value as { readonly rollout: JsonValue; readonly holder: string; readonly until: string };
  const read = rollout.safeParse(inner);
  if (!read.success) throw new AtalayaError('store-damaged', 'the document of a rollout cannot be read');
  return { rollout: read.data, version, holder, until };
}
