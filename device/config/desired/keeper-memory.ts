import { AtalayaError } from '../../kernel/errors.ts';
import { type Milliseconds, milliseconds, toIso } from '../../kernel/units.ts';
import { faultOf } from './config-in-force.ts';
import type { ConfigStore } from './config-store.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { firstState, type KeeperState } from './keeper-state.ts';

/** What was only noted is written so long after the last writing at the earliest. */
const NOTE_AFTER = milliseconds(60_000);

/** The keeper's state, in memory and on the disk. */
export class KeeperMemory {
  readonly #options: Pick<KeeperOptions, 'clock' | 'problem'>;
  readonly #store: ConfigStore;
  #state: KeeperState;
  /** What is in memory is not on the disk. */
  #unsaved = false;
  #written: Milliseconds;

  constructor(options: Pick<KeeperOptions, 'clock' | 'problem'>, store: ConfigStore, state: KeeperState) {
    this.#options = options;
    this.#store = store;
    this.#state = state;
    this.#written = options.clock.monotonic();
  }

  /** Reads what is remembered. What is damaged is given up, aloud, and no older document is taken nevertheless. Throws `store-failed`. */
  static async open(
    options: Pick<KeeperOptions, 'clock' | 'problem' | 'folder'>,
    store: ConfigStore,
  ): Promise<KeeperMemory> {
    await store.prepare();
    const stored = await store.readState();
    const at = toIso(options.clock.utc());
    const memory = new KeeperMemory(options, store, stored.kind === 'state' ? stored.state : firstState(at));
    if (stored.kind !== 'damaged') return memory;
    const newest = await store.newestDocument();
    const reasons = ["state-lost: what was in force can no longer be read; the unit's own file is in force"];
    const act = { at, ...(newest ?? { version: 0 }), outcome: 'rolled-back' as const, reasons };
    await memory.save({ ...firstState(at), highest: newest ?? null, last: act, owed: [act] }, 'go-on');
    options.problem(
      new AtalayaError('store-damaged', `${options.folder}/state.json is damaged: the unit's own file is in force`, {
        hint: 'Push the configuration again under a new version, and check the data disk.',
      }),
    );
    return memory;
  }

  get state(): KeeperState {
    return this.#state;
  }

  /** Memory and disk. Where the disk refuses, `stop` throws and changes nothing; `go-on` changes the memory, and the disk is tried again. */
  async save(state: KeeperState, refused: 'stop' | 'go-on'): Promise<void> {
    try {
      await this.#store.writeState(state);
      this.#unsaved = false;
    } catch (error) {
      if (refused === 'stop') throw error;
      this.#unsaved = true;
      this.#options.problem(faultOf(error));
    }
    this.#written = this.#options.clock.monotonic();
    this.#state = state;
  }

  /** Memory now, the disk when there is time. */
  note(state: KeeperState): void {
    this.#state = state;
    this.#unsaved = true;
  }

  /** Writes what was noted, or what the disk refused: where it is time, or now. */
  async flush(now: boolean): Promise<void> {
    const due = now || this.#options.clock.monotonic() - this.#written >= NOTE_AFTER;
    if (this.#unsaved && due) await this.save(this.#state, 'go-on');
  }
}
