import type { AlertView, UnitView } from '../../contract/api-views.ts';
import type { Reported } from '../../contract/state.ts';
import type { Archive, Watermark } from '../archive/archive.ts';
import type { UnitUpdate } from '../updates/update-documents.ts';
import type { UpdateKeeper } from '../updates/update-keeper.ts';
import { updateBriefOf } from '../updates/update-views.ts';
import type { CosignedHead } from '../witness/leaf-edge.ts';
import type { Witness } from '../witness/witness.ts';
import type { AlertKeeper } from './alert-keeper.ts';
import { type ConfigRelay, type NewestConfig, newestOf } from './config-relay.ts';
import type { Twin, Twins } from './twins.ts';

export interface ViewSources {
  readonly archive: Archive;
  readonly twins: Twins;
  readonly configs: ConfigRelay;
  readonly alerts: AlertKeeper;
  readonly witness: Witness;
  readonly updates: Pick<UpdateKeeper, 'standing' | 'all'>;
}

/** The units as they are shown: put together from what is kept of them in several places. */
export class UnitViews {
  readonly #sources: ViewSources;

  constructor(sources: ViewSources) {
    this.#sources = sources;
  }

  async one(unit: string): Promise<UnitView | undefined> {
    const { archive, twins, configs, alerts, updates } = this.#sources;
    const twin = await twins.twin(unit);
    if (twin === undefined) return undefined;
    return this.#view(twin, {
      reported: (await archive.document('reported', unit))?.value as unknown as Reported | undefined,
      desired: newestOf(await configs.newest(unit)),
      alerts: await alerts.list({ unit }),
      update: await updates.standing(unit),
    });
  }

  async all(): Promise<readonly UnitView[]> {
    const { archive, twins, configs, alerts, updates } = this.#sources;
    const [every, reported, open, given] = await Promise.all([
      twins.all(),
      archive.documents('reported'),
      alerts.list({}),
      updates.all(),
    ]);
    const updateOf = new Map(given.map((update) => [update.unit, update]));
    const reportedOf = new Map(reported.map(({ key, value }) => [key, value as unknown as Reported]));
    const alertsOf = Map.groupBy(open, ({ unit }) => unit);
    const views: UnitView[] = [];
    for (let at = 0; at < every.length; at += wide) {
      const some = every.slice(at, at + wide).map((twin) =>
        this.#view(twin, {
          reported: reportedOf.get(twin.unit),
          desired: configs.known(twin.unit),
          alerts: alertsOf.get(twin.unit) ?? [],
          update: updateOf.get(twin.unit),
        }),
      );
      views.push(...(await Promise.all(some)));
    }
    return views;
  }

  async #view(twin: Twin, of: Parts): Promise<UnitView> {
    const { archive, witness } = this.#sources;
    const key = twin.keys.at(-1);
    const marks = await archive.watermarks(twin.unit);
    const head = key === undefined ? undefined : await witness.head(twin.unit, key);
    return unitViewOf(twin, marks, head, of);
  }
}

const wide = 16;

interface Parts {
  readonly reported: Reported | undefined;
  readonly desired: NewestConfig | undefined;
  readonly alerts: readonly AlertView[];
  readonly update: UnitUpdate | undefined;
}

function unitViewOf(
  twin: Twin,
  marks: readonly Watermark[],
  head: CosignedHead | undefined,
  { reported, desired, alerts, update }: Parts,
): UnitView {
  const { keys, ...rest } = twin;
  const key = keys.at(-1);
  return {
    ...rest,
    ...(reported === undefined ? {} : { reported }),
    ...(desired === undefined ? {} : { desired: { version: desired.version, sha256: desired.sha256 } }),
    ...(update === undefined ? {} : { update: updateBriefOf(update) }),
    marks: marks.map(({ lane, stream, upTo }) => ({ lane, stream, upTo })),
    ...(key === undefined ? {} : { key }),
    ...(head === undefined ? {} : { checkpoint: { size: head.size, root: head.root, cosignedAt: head.at } }),
    alerts: {
      raised: alerts.filter(({ state }) => state === 'raised').length,
      critical: alerts.filter(({ state }) => state === 'critical').length,
    },
  } as unknown as UnitView;
}
