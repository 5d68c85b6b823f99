import { join } from 'node:path';
import type { Frame } from '../capture/frame.ts';
import type { Config } from '../config/config-schema.ts';
import type { ModelIdentity } from '../detect/detect-messages.ts';
import type { Clock } from '../kernel/clock.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { systemFiles } from '../kernel/files.ts';
import { systemTimer } from '../kernel/timer.ts';
import { fraction, type Milliseconds, milliseconds, seconds, toMilliseconds } from '../kernel/units.ts';
import { readDefaults } from '../plate/crop-reader.ts';
import { cropVehicle } from '../plate/crop-vehicle.ts';
import { loadFormats } from '../plate/formats/format.ts';
import type { PlateFormat } from '../plate/formats/plate-format.ts';
import { type LoadedLists, loadWatchLists } from '../plate/lists/load-watch-lists.ts';
import type { ListHead } from '../plate/lists/watch-list.ts';
import type { ListAlert } from '../plate/lists/watch-lists.ts';
import { neverRead, type TrackPlate } from '../plate/vote/track-plate.ts';
import type { PlateCounts } from '../plate/watch/plate-counts.ts';
import { PlateWatch } from '../plate/watch/plate-watch.ts';
import { defaultWatchSettings, type WatchSettings } from '../plate/watch/settings.ts';
import { WorkerPlateReader } from '../plate/worker-plate-reader.ts';
import type { Scene } from '../scene/scene.ts';
import type { TrackUpdate } from '../track/track.ts';
import { noComponents, type UnitComponents } from './updates/components.ts';

/** Whoever is told what the plates' side of a unit sees. */
export interface PlateObserver {
  /** A vehicle on a watch list. */
  readonly alert: (alert: ListAlert) => void;
  /** The reader broke down and is opened again, or a watch list is not in use. */
  readonly fault: (fault: AtalayaError) => void;
}

/** When the unit is to come to rest, a plate that is not read by then is sealed as unread. */
const HASTE = milliseconds(500);
/** Seconds that a replay waits for a plate at the least. */
const REPLAY_WAIT = 60;
/** What a replay that has ended gives the reader for the vehicles that nobody accused: they may be on a list. */
const LAST_READS = milliseconds(60_000);

/** How much is looked at: as it is set, about a quarter as often, or nothing. */
export type PlateEffort = 'full' | 'less' | 'none';

/** Plates as a unit deals with them: read beside the frame path, ready for the seals, held against the watch lists. */
export class UnitPlates {
  readonly models: readonly ModelIdentity[];
  /** One line for the person who starts the unit, and one per list. */
  readonly opening: readonly string[];
  readonly #watch: PlateWatch | undefined;
  readonly #wait: Milliseconds;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #effort: () => PlateEffort;
  /** When nothing was looked at last. */
  #restedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    readonly clock: Pick<Clock, 'monotonic'>;
    readonly effort: () => PlateEffort;
    readonly models: readonly ModelIdentity[];
    readonly opening: readonly string[];
    readonly watch: PlateWatch | undefined;
    readonly wait: Milliseconds;
  }) {
    this.models = parts.models;
    this.opening = parts.opening;
    this.#watch = parts.watch;
    this.#wait = parts.wait;
    this.#clock = parts.clock;
    this.#effort = parts.effort;
  }

  /** Undefined where no plate is read. */
  get counts(): PlateCounts | undefined {
    return this.#watch?.counts;
  }

  observe(frame: Frame, update: TrackUpdate): Promise<void> | undefined {
    if (this.#effort() === 'none') this.#restedAt = this.#clock.monotonic();
    return this.#watch?.observe(frame, update);
  }

  /** No frames come until a seal is done. */
  hurry(): void {
    this.#watch?.hurry();
  }

  /** No more frames come: nobody waits for a better look. Does not wait for the reader itself. */
  finish(): void {
    void this.#watch?.finish(LAST_READS);
  }

  /** The plate of the road user that these tracks were, for its evidence. Never rejects, and waits for no longer than was configured. */
  async plateOf(tracks: readonly number[]): Promise<TrackPlate> {
    if (this.#watch === undefined) return neverRead('reader-off');
    const plate = await this.#watch.plateOf(tracks, this.#wait);
    // That no frame showed enough of it is not known of a vehicle that was there while nobody looked.
    const rested = this.#clock.monotonic() - this.#restedAt <= defaultWatchSettings.remember;
    return plate.kind === 'unread' && plate.reason === 'never-looked' && rested ? neverRead('reader-off') : plate;
  }

  /** The unit is to come to rest: what is read within half a second counts, and nobody waits any longer. */
  async rest(): Promise<void> {
    await this.#watch?.finish(HASTE);
    await this.#watch?.close();
  }

  /** Reads what still waits, as far as there is time, and lets go of the reader. */
  async close(): Promise<void> {
    await this.#watch?.finish(LAST_READS);
    await this.#watch?.close();
  }
}

/**
 * Opens the reader of a scene's plates and the watch lists. A scene without formats, and a configuration that reads none, give a unit whose
 * plates are all `unread`; it says so.
 *
 * Throws `config-invalid` for a format that is not known, `key-invalid` for a list key that cannot be had, and what the bundles or the engine
 * are refused with: what is configured and cannot work is found out before the unit is left alone.
 */
export async function openPlates(
  config: Config,
  scene: Pick<Scene, 'plates'>,
  every: boolean,
  clock: Clock,
  stopping: AbortSignal,
  observer: PlateObserver,
  effort: () => PlateEffort = () => 'full',
  components: Pick<UnitComponents, 'bundle'> = noComponents,
): Promise<UnitPlates> {
  const { plates, evidence } = config;
  // A replay of every frame is as fast as the machine allows: what it is compared with is the same on a slow one.
  const wait = toMilliseconds(seconds(every ? Math.max(REPLAY_WAIT, plates.waitS) : plates.waitS));
  const lists = await openLists(config, join(evidence.data, 'watch-lists.json'), clock);
  for (const fault of lists?.refused ?? []) observer.fault(fault);
  const named = scene.plates?.formats ?? [];
  const formats = plates.read && named.length > 0 ? await loadFormats(named) : [];
  if (formats.length === 0) {
    const why = plates.read ? 'the scene names no formats (plates.formats)' : 'plates.read is false';
    const idle = plates.lists.length > 0 ? ', so no watch list is in use' : '';
    const opening = [`plates are NOT read: ${why}${idle}`];
    return new UnitPlates({ models: [], opening, watch: undefined, wait, clock, effort });
  }
  const open = () => openReader(config, formats, components);
  // Once before anything is watched: a bundle that is missing or damaged is no fault to be tried again for months.
  const first = await open();
  const { models } = first;
  const expired = new Set<string>();
  const watch = new PlateWatch(
    {
      first,
      open,
      crop: cropVehicle,
      clock,
      timer: systemTimer,
      random: Math.random,
      onFault: observer.fault,
      settled: (track, plate) => {
        if (lists === undefined) return;
        for (const alert of lists.lists.alertsOf(track, plate)) observer.alert(alert);
        for (const { head } of lists.lists.expired()) {
          if (expired.has(head.name)) continue;
          expired.add(head.name);
          observer.fault(expiredFault(head));
        }
      },
    },
    withEffort(watchSettings(config, every), effort),
  );
  const opening = [
    `plates: ${formats.map(({ id }) => id).join(', ')}; read by ${models.map(({ id, version }) => `${id} ${version}`).join(' and ')}`,
    ...(lists?.opened ?? []).map(({ head, entries }) => `watch list ${head.name} ${head.version}: ${entries} entries`),
  ];
  const unit = new UnitPlates({ models, opening, watch, wait, clock, effort });
  stopping.addEventListener('abort', () => void unit.rest(), { once: true });
  return unit;
}

/** The reader that a configuration names, for the given formats. */
export function openReader(
  { plates: { finder, readers, threads, deadlineS } }: Pick<Config, 'plates'>,
  formats: readonly PlateFormat[],
  { bundle }: Pick<UnitComponents, 'bundle'>,
): Promise<WorkerPlateReader> {
  return WorkerPlateReader.open(
    { finder: bundle(finder), readers: readers.map(bundle), threads, formats, settings: readDefaults },
    toMilliseconds(seconds(deadlineS)),
  );
}

/** What a configuration says goes before the watch's own defaults. */
export function watchSettings({ plates }: Pick<Config, 'plates'>, every: boolean): WatchSettings {
  const { patienceS, deadlineS, queueMegabytes, leastConfidence } = plates;
  const { queue, reader, vote } = defaultWatchSettings;
  return {
    ...defaultWatchSettings,
    every,
    patience: toMilliseconds(seconds(patienceS)),
    queue: { ...queue, bytes: queueMegabytes * 1e6 },
    reader: { ...reader, deadline: toMilliseconds(seconds(deadlineS)) },
    vote: { ...vote, leastConfidence: fraction(leastConfidence) },
  };
}

/** The same settings, whose choice of crops follows the effort from frame to frame. */
export function withEffort(settings: WatchSettings, effort: () => PlateEffort): WatchSettings {
  const { look } = settings;
  const less = {
    ...look,
    growth: 1.5,
    again: milliseconds(4 * look.again),
    againStanding: milliseconds(4 * look.againStanding),
  };
  const looks = { full: look, less, none: { ...look, leastHeight: Number.POSITIVE_INFINITY } };
  return {
    ...settings,
    get look() {
      return looks[effort()];
    },
  };
}

function expiredFault({ name, version }: ListHead): AtalayaError {
  return new AtalayaError('list-refused', `the watch list ${name} ${version} has expired and is not in use any more`, {
    hint: 'Have a newer one issued.',
  });
}

async function openLists(
  { plates: { lists, listKey } }: Config,
  memory: string,
  clock: Clock,
): Promise<LoadedLists | undefined> {
  if (lists.length === 0 || listKey === undefined) return undefined;
  return loadWatchLists({ lists, listKey, memory }, systemFiles, clock);
}
