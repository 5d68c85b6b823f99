import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { withDeadline } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { Config } from '../config-schema.ts';
import type { ConfigStore } from './config-store.ts';
import type { DocumentRef } from './judge-desired.ts';
import { judgeSettings } from './judge-settings.ts';
import type { KeeperOptions } from './keeper-options.ts';
import type { Refusal } from './refusal.ts';
import { changesBetween, type Needs, needsOf } from './settings.ts';

const APPLY_DEADLINE = milliseconds(60_000);

export type Resolved =
  | { readonly kind: 'fits'; readonly config: Config }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What this process runs with: a document, or null, the unit's own file. */
export class ConfigInForce {
  readonly #options: Pick<KeeperOptions, 'base' | 'facts' | 'apply' | 'timer' | 'problem'>;
  readonly #store: ConfigStore;
  #ref: DocumentRef | null = null;
  #config: Config;

  constructor(options: Pick<KeeperOptions, 'base' | 'facts' | 'apply' | 'timer' | 'problem'>, store: ConfigStore) {
    this.#options = options;
    this.#store = store;
    this.#config = options.base;
  }

  get ref(): DocumentRef | null {
    return this.#ref;
  }

  get config(): Config {
    return this.#config;
  }

  /** The configuration of a document that was kept, over the unit's own file as it is now. */
  async resolve(ref: DocumentRef | null): Promise<Resolved> {
    const { base, facts, problem } = this.#options;
    if (ref === null) return { kind: 'fits', config: base };
    const read = await this.#store.readDocument(ref).catch((error: unknown) => {
      problem(faultOf(error));
      return undefined;
    });
    const refuse = (code: 'document-lost' | 'no-longer-fits', words: string): Resolved => {
      return { kind: 'refused', refusal: { code, words: `version ${ref.version} ${words}` } };
    };
    if (read === undefined) return refuse('document-lost', 'can no longer be read from the disk');
    const judged = judgeSettings(read.document.settings, base, facts);
    if (judged.kind === 'fits') return judged;
    const why = judged.refusals.map(({ words }) => words).join('; ');
    return refuse('no-longer-fits', `does not fit the unit any more: ${why}`);
  }

  /** Before there is a unit: this is what it will start with. */
  startWith(ref: DocumentRef | null, config: Config): void {
    this.#ref = ref;
    this.#config = config;
  }

  /** Brings a configuration into force in the running unit, or has it start again. Throws what `apply` throws, `deadline-exceeded` too. */
  async take(ref: DocumentRef | null, config: Config): Promise<Needs> {
    const changed = changesBetween(this.#config, config).map(({ path }) => path);
    const needs = needsOf(changed);
    // A change that fails half-way has to be taken back as if it had been made.
    if (needs === 'live') this.startWith(ref, config);
    if (changed.length > 0) await this.#ask(config, changed, needs);
    return needs;
  }

  /** As `take`, for what must be in force whatever happens: what cannot be undone while running is undone by starting again. */
  async giveBack(ref: DocumentRef | null, config: Config): Promise<void> {
    const changed = changesBetween(this.#config, config).map(({ path }) => path);
    try {
      await this.take(ref, config);
    } catch (error) {
      this.#options.problem(faultOf(error));
      await this.#ask(config, changed, 'restart').catch((again: unknown) => this.#options.problem(faultOf(again)));
    }
  }

  #ask(config: Config, changed: readonly string[], needs: Needs): Promise<void> {
    const { apply, timer } = this.#options;
    return withDeadline(apply(config, changed, needs), APPLY_DEADLINE, 'applying a configuration', timer);
  }
}

export function faultOf(error: unknown): AtalayaError {
  if (isAtalayaError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new AtalayaError('internal', reason, { cause: error });
}
