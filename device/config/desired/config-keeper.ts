import type { Reported } from '../../../cloud-bridge/contract/state.ts';
import { canonicalJson, type JsonValue } from '../../kernel/canonical-json.ts';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/hash.ts';
import { toIso, utcMilliseconds } from '../../kernel/units.ts';
import type { Config } from '../config-schema.ts';
import { AuditRun } from './audit-run.ts';
import { ConfigInForce, faultOf } from './config-in-force.ts';
import { ConfigStore, type LocalRequest } from './config-store.ts';
import { inputOf } from './desired-input.ts';
import { judgeDesired } from './judge-desired.ts';
import { KeeperMemory } from './keeper-memory.ts';
import type { KeeperOptions } from './keeper-options.ts';
import type { InputOf, Step } from './keeper-plan.ts';
import type { HistoryRow, RefusedRow } from './keeper-state.ts';
import { targetOf } from './plan-back.ts';
import { planConfig } from './plan-config.ts';
import { TrialWatch } from './trial-watch.ts';

/** How each step is done; what follows from it is planned next. */
type Executors = {
  readonly [K in Step['kind']]: (step: Extract<Step, { kind: K }>) => Promise<InputOf | undefined>;
};

/**
 * Keeps the configurations of the centre: judges what comes, takes it into use on trial, and goes back by itself.
 *
 * Guarantees: a start runs with what was confirmed last or with the trial that goes on, whatever the power did; with what was refused or
 * given back never, as long as the disk takes what is written. What is reported as accepted or confirmed is on the disk. A trial has so many
 * minutes of running time, and so many starts, to reach the broker, see frames and seal; then the unit goes back, for which nothing needs to
 * be heard from anybody. Calls are carried out one after the other; none but `open` throws.
 */
export class ConfigKeeper {
  readonly #options: KeeperOptions;
  readonly #store: ConfigStore;
  readonly #memory: KeeperMemory;
  readonly #inForce: ConfigInForce;
  readonly #audits: AuditRun;
  readonly #baseSha256: string;
  #watch: TrialWatch | undefined;
  #begun = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: KeeperOptions, store: ConfigStore, memory: KeeperMemory) {
    this.#options = options;
    this.#store = store;
    this.#memory = memory;
    this.#inForce = new ConfigInForce(options, store);
    this.#audits = new AuditRun(options);
    this.#baseSha256 = sha256(canonicalJson(options.base as JsonValue));
  }

  /**
   * Reads what is remembered, does what a person at the unit asked for meanwhile, and counts this start where there is a trial. Throws
   * `store-failed` where the folder cannot be made or read.
   */
  static async open(options: KeeperOptions): Promise<ConfigKeeper> {
    const store = new ConfigStore(options.files, options.folder);
    const keeper = new ConfigKeeper(options, store, await KeeperMemory.open(options, store));
    keeper.#follow();
    await keeper.#takeRequest().catch((error: unknown) => keeper.#survive(error));
    const uncounted = await keeper.#tryRun({ kind: 'started' });
    if (uncounted !== undefined) await keeper.#dropUncounted(uncounted);
    const follow = await keeper.#apply(keeper.#memory.state.trial === null ? 'confirmed' : 'trial');
    if (follow !== undefined) await keeper.#run(follow);
    return keeper;
  }

  /** What to run with: what was confirmed, or what is on trial. */
  effective(): Config {
    return this.#inForce.config;
  }

  /** From now on there is a unit: what is owed is audited, and what is in force is reported. */
  begin(): Promise<void> {
    return this.#inTurn(async () => {});
  }

  /** What came on `config/desired`, as bytes. Resolves when it was taken or refused, and that is remembered. */
  desired(payload: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      const { base, facts, people, clock } = this.#options;
      const { highest, owed } = this.#memory.state;
      const judged = judgeDesired(payload, {
        unit: base.unit.id,
        people: people(),
        base,
        current: this.#inForce.config,
        highest: highest ?? undefined,
        facts,
        now: { utc: clock.utc(), reliable: clock.state().synchronised },
      });
      const fault = await this.#tryRun(inputOf(judged, payload, owed.length));
      if (fault === undefined || judged.kind !== 'fits') return;
      const refusals = [{ code: 'not-durable' as const, words: fault.message }];
      await this.#run({ kind: 'refused', ...judged.ref, refusals, person: undefined });
    });
  }

  /** To be called every second or so: deadlines, requests at the unit, what is owed. */
  tick(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#takeRequest().catch((error: unknown) => this.#survive(error));
      const watch = this.#watch;
      if (watch !== undefined) {
        const probe = this.#onTrial() ? watch.probe() : undefined;
        await this.#run({ kind: 'watched', spentMs: watch.spent, probe, sealFault: watch.sealFault });
      }
      if (this.#audits.due(this.#memory.state.owed)) await this.#executors.audit({ kind: 'audit' });
      await this.#memory.flush(false);
    });
  }

  /** What a person at the unit asks for, as the command line puts it into the folder. */
  local(request: LocalRequest): Promise<void> {
    return this.#inTurn(() => this.#return(request));
  }

  /** Whether a configuration is on trial: in force already, or with the next start. */
  get onTrial(): boolean {
    return this.#memory.state.trial !== null;
  }

  /** The run has failed: what is on trial is told for the reason, should it be given back. */
  fell(fault: AtalayaError): Promise<void> {
    // An address may carry a name and a password.
    const why = `${fault.code}: ${fault.message}`.replace(/\/\/[^/@\s]+@/g, '//');
    const noted = this.#last.then(() => this.#run({ kind: 'fell', why })).catch((error) => this.#survive(error));
    this.#last = noted;
    return noted;
  }

  /** Newest first. */
  history(): readonly HistoryRow[] {
    return this.#memory.state.history;
  }

  /** Newest first. */
  refused(): readonly RefusedRow[] {
    return this.#memory.state.refused;
  }

  /** For `config/reported`. Whoever reads it knows by `inForce` what the unit runs with, whatever the outcome is about. */
  reported(): Reported {
    const { last, trial } = this.#memory.state;
    const { ref } = this.#inForce;
    const left = trial === null ? 0 : Math.max(0, trial.probationMs - (this.#watch?.spent ?? trial.spentMs));
    return {
      ...last,
      inForce: ref === null ? { version: 0, sha256: this.#baseSha256 } : { ...ref },
      ...(trial === null ? {} : { trialUntil: toIso(utcMilliseconds(this.#options.clock.utc() + left)) }),
    };
  }

  /** When what was asked for is carried out, and noted on the disk. */
  close(): Promise<void> {
    return this.#begun ? this.#inTurn(() => this.#memory.flush(true)) : this.#memory.flush(true);
  }

  async #takeRequest(): Promise<void> {
    const request = await this.#store.readRequest();
    if (request === undefined) return;
    await this.#return(request);
    await this.#store.removeRequest();
  }

  async #return({ id, to, by }: LocalRequest): Promise<void> {
    const target = targetOf(this.#memory.state, to);
    const there = target === undefined ? undefined : await this.#inForce.resolve(target);
    if (there?.kind !== 'refused') return this.#run({ kind: 'returned', to, by, request: id });
    const words = `version ${target?.version} cannot be gone back to: ${there.refusal.words}`;
    return this.#run({ kind: 'unreturned', request: id, words });
  }

  /** Plans and executes, and whatever follows from it. */
  async #run(input: InputOf): Promise<void> {
    const fault = await this.#tryRun(input);
    if (fault !== undefined) this.#options.problem(fault);
  }

  /** The fault of the disk that has ended a plan before anything of it was taken into use. */
  async #tryRun(first: InputOf): Promise<AtalayaError | undefined> {
    for (let input: InputOf | undefined = first; input !== undefined; ) {
      const steps = planConfig(this.#memory.state, { ...input, at: toIso(this.#options.clock.utc()) });
      input = undefined;
      for (const step of steps) {
        try {
          input = (await this.#execute(step)) ?? input;
        } catch (error) {
          if (isAtalayaError(error)) return error;
          throw error;
        }
      }
    }
    return undefined;
  }

  #execute<K extends Step['kind']>(step: Extract<Step, { kind: K }>): Promise<InputOf | undefined> {
    const execute = this.#executors[step.kind as K];
    return execute(step);
  }

  readonly #executors: Executors = {
    keep: async ({ ref, text }) => {
      await this.#store.writeDocument(ref, text);
      return undefined;
    },
    remember: async ({ state, refused }) => {
      await this.#memory.save(state, refused);
      this.#follow();
      return undefined;
    },
    note: async ({ state }) => {
      this.#memory.note(state);
      return undefined;
    },
    audit: async () => {
      if (!this.#begun) return undefined;
      const taken = await this.#audits.run(this.#memory.state.owed);
      const { state } = this.#memory;
      if (taken > 0) await this.#memory.save({ ...state, owed: state.owed.slice(taken) }, 'go-on');
      return undefined;
    },
    report: async () => {
      this.#report();
      return undefined;
    },
    apply: ({ what }) => this.#apply(what),
    tidy: async () => {
      const { history, trial, confirmed, highest } = this.#memory.state;
      const refs = [...history, trial, confirmed, highest];
      const versions = new Set(refs.flatMap((ref) => (ref === null ? [] : [ref.version])));
      await this.#store.keepOnly(versions).catch((error: unknown) => this.#survive(error));
      return undefined;
    },
  };

  /** A watch for each trial, from its first moment in this process on. */
  #follow(): void {
    const { trial } = this.#memory.state;
    if (trial === null) this.#watch = undefined;
    else if (this.#watch?.version !== trial.version) this.#watch = new TrialWatch(this.#options, trial);
  }

  async #apply(what: 'trial' | 'confirmed'): Promise<InputOf | undefined> {
    const { trial, confirmed } = this.#memory.state;
    const onTrial = what === 'trial';
    const stated = onTrial ? trial : confirmed;
    const ref = stated === null ? null : { version: stated.version, sha256: stated.sha256 };
    const got = await this.#inForce.resolve(ref);
    if (got.kind === 'refused') return { kind: onTrial ? 'failed' : 'lost', refusal: got.refusal };
    if (!this.#begun) this.#inForce.startWith(ref, got.config);
    else if (!onTrial) await this.#inForce.giveBack(ref, got.config);
    else {
      try {
        if ((await this.#inForce.take(ref, got.config)) === 'restart') return undefined;
      } catch (error) {
        return { kind: 'failed', refusal: { code: 'apply-failed', words: faultOf(error).message } };
      }
    }
    if (!onTrial) return undefined;
    this.#watch?.runs();
    return this.#begun ? { kind: 'applied' } : undefined;
  }

  /** A start that the disk cannot count does not run a trial: it might be the hundredth. */
  #dropUncounted({ message }: AtalayaError): Promise<void> {
    const words = `this start could not be counted, so the trial does not go on: ${message}`;
    return this.#run({ kind: 'failed', refusal: { code: 'not-durable', words } });
  }

  #onTrial(): boolean {
    const { trial } = this.#memory.state;
    return trial !== null && this.#inForce.ref?.version === trial.version;
  }

  #report(): void {
    if (!this.#begun) return;
    const reported = this.reported();
    Promise.resolve()
      .then(() => this.#options.report(reported))
      .catch((error: unknown) => this.#survive(error));
  }

  /** One after the other; a fault that nobody foresaw is told and ends nothing. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last
      .then(() => this.#beginOnce())
      .then(work)
      .catch((error: unknown) => this.#survive(error));
    this.#last = turn;
    return turn;
  }

  async #beginOnce(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#onTrial()) await this.#run({ kind: 'applied' });
    await this.#executors.audit({ kind: 'audit' });
    this.#report();
  }

  #survive(error: unknown): void {
    this.#options.problem(faultOf(error));
  }
}
