import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../../device/kernel/errors.ts';
import { ManualClock } from '../../../../device/kernel/manual-clock.ts';
import { milliseconds } from '../../../../device/kernel/units.ts';
import type { Desired } from '../../../contract/acts.ts';
import { type RolloutPlan, rolloutPlan } from '../../../contract/rollout.ts';
import type { Reported } from '../../../contract/state.ts';
import type { Document, DocumentKind } from '../../archive/archive.ts';
import type { RolloutUpdates } from '../../updates/rollout-updates.ts';
import { RolloutKeeper } from '../rollout-keeper.ts';
import type { RolloutDocuments } from '../rollout-store.ts';

/** What a unit does with a document that it is given. */
export type Behaviour = 'confirms' | 'rejects' | 'rolls-back' | 'silent';

/** The bridge died here: nothing that it would have done next takes place. */
export class Crash extends Error {}

/** Archive and fleet of a rollout, kept in memory; a bridge may die before or after every single thing that it does. */
export class RolloutWorld {
  readonly clock = new ManualClock();
  readonly documents = new Map<string, Document>();
  readonly newest = new Map<string, Desired>();
  readonly reported = new Map<string, Reported>();
  /** Every release that took effect. */
  readonly releases: { readonly unit: string; readonly version: number }[] = [];
  /** Asked before each thing that a bridge does: true, and it dies there. */
  dies: () => boolean = () => false;
  /** Told of each release that a bridge asks for. */
  onRelease: (unit: string, document: Desired) => void = () => {};
  /** Units whose releases fail for now. */
  readonly unreachable = new Set<string>();

  bridge(name = 'bridge-1'): RolloutKeeper {
    return new RolloutKeeper({
      archive: this.#archive(),
      release: async (unit, document) => {
        this.point();
        if (this.unreachable.has(unit)) throw new AtalayaError('archive-unavailable', 'not now');
        this.onRelease(unit, document);
        if ((this.newest.get(unit)?.version ?? 0) >= document.version) {
          return { kind: 'refused', reason: `version ${document.version} is not above the newest` };
        }
        this.newest.set(unit, document);
        this.releases.push({ unit, version: document.version });
        await turn();
        this.point();
        return { kind: 'released' };
      },
      view: async (unit) => {
        await turn();
        this.point();
        const newest = this.newest.get(unit);
        const reported = this.reported.get(unit);
        return {
          ...(newest === undefined
            ? {}
            : { newest: { version: newest.version, signature: newest.signature?.value ?? '' } }),
          ...(reported === undefined ? {} : { reported }),
        };
      },
      check: async ({ signature }) => (signature === undefined ? 'not-signed' : undefined),
      updates: this.updates(),
      clock: this.clock,
      name,
      lease: milliseconds(60_000),
    });
  }

  /** Of a world of updates. */
  protected updates(): RolloutUpdates | undefined {
    return undefined;
  }

  /** The unit says what became of its newest document. */
  unitSays(unit: string, outcome: Reported['outcome']): void {
    const version = this.newest.get(unit)?.version ?? 0;
    const reasons = outcome === 'rejected' || outcome === 'rolled-back' ? ['cameras: no frame was seen'] : [];
    const inForce = { version: outcome === 'confirmed' ? version : 0, sha256: '0'.repeat(64) };
    this.reported.set(unit, { at: '2026-03-01T12:00:00.000Z', outcome, version, reasons, inForce });
  }

  /** A document that somebody signed; its signature is another one for another `mark`. */
  document(unit: string, version: number, mark = 'A'): Desired {
    return {
      schema: 'atalaya/config/1',
      unit,
      version,
      issued: '2026-03-01T12:00:00Z',
      probationMinutes: 10,
      settings: {},
      signature: { key: '0'.repeat(64), value: `${mark.repeat(85)}A==` },
    };
  }

  plan(groups: readonly (readonly string[])[], more: Partial<RolloutPlan> = {}): RolloutPlan {
    const units = groups.flat();
    return rolloutPlan.parse({
      id: 'rollout-1',
      groups: groups.map((members, i) => ({ name: `group ${i + 1}`, units: members })),
      deadlineMinutes: 60,
      documents: units.map((unit) => this.document(unit, 2)),
      rollbacks: units.map((unit) => this.document(unit, 3)),
      ...more,
    });
  }

  protected point(): void {
    if (this.dies()) throw new Crash('the bridge died');
  }

  #archive(): RolloutDocuments {
    const at = (kind: DocumentKind, key: string) => `${kind} ${key}`;
    return {
      document: async (kind, key) => {
        await turn();
        this.point();
        return this.documents.get(at(kind, key));
      },
      documents: async (kind, prefix = '') => {
        await turn();
        this.point();
        return [...this.documents.values()].filter((one) => one.kind === kind && one.key.startsWith(prefix));
      },
      putDocument: async (kind, key, value, based) => {
        await turn();
        this.point();
        if ((this.documents.get(at(kind, key))?.version ?? 0) !== based) return false;
        const copy = JSON.parse(JSON.stringify(value)) as JsonValue;
        this.documents.set(at(kind, key), { kind, key, version: based + 1, value: copy });
        this.point();
        return true;
      },
    };
  }
}

export const turn = (): Promise<void> => Promise.resolve();
