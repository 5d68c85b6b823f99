import { AtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import { type Config, configSchema } from '../config-schema.ts';
import { ConfigStore } from './config-store.ts';
import type { DocumentRef } from './judge-desired.ts';
import type { KeeperState } from './keeper-state.ts';
import { overlay, type Settings } from './settings.ts';

/** The folder of configurations as somebody else than the keeper sees it: read, never written. */
export class ConfigView {
  readonly #store: ConfigStore;
  readonly #base: Config;
  /** Undefined: no document has ever come. */
  readonly state: KeeperState | undefined;

  constructor(store: ConfigStore, base: Config, state: KeeperState | undefined) {
    this.#store = store;
    this.#base = base;
    this.state = state;
  }

  /** `base` is the unit's own file. Throws `store-damaged`, `store-failed`. */
  static async open(files: Files, folder: string, base: Config): Promise<ConfigView> {
    const store = new ConfigStore(files, folder);
    const stored = await store.readState();
    if (stored.kind === 'damaged') {
      throw new AtalayaError('store-damaged', `${folder}/state.json is damaged`, {
        hint: 'Start the unit: it goes on with its own file, and tells the centre so.',
      });
    }
    return new ConfigView(store, base, stored.kind === 'state' ? stored.state : undefined);
  }

  /** What the unit runs with, or would start with; null is its own file. */
  get inForce(): DocumentRef | null {
    const { trial, confirmed } = this.state ?? { trial: null, confirmed: null };
    const ref = trial ?? confirmed;
    return ref === null ? null : { version: ref.version, sha256: ref.sha256 };
  }

  /** A version laid over the unit's own file; 0 is that file. Throws `usage-invalid` for a version that is not here, `config-invalid`. */
  async configOf(version: number): Promise<Config> {
    if (version === 0) return this.#base;
    const row = this.state?.history.find((one) => one.version === version);
    const read = row === undefined ? undefined : await this.#store.readDocument(row);
    if (read === undefined) {
      throw new AtalayaError('usage-invalid', `version ${version} is not among those that are kept here`, {
        hint: 'See which are: atalaya-unit config history',
      });
    }
    const laid = configSchema.safeParse(overlay(this.#base as Settings, read.document.settings));
    if (laid.success) return laid.data;
    const faults = laid.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
    throw new AtalayaError(
      'config-invalid',
      `version ${version} does not fit the unit's own file:\n${faults.join('\n')}`,
    );
  }
}
