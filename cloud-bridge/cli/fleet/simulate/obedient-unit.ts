import { join } from 'node:path';
import type { Config } from '../../../../device/config/config-schema.ts';
import { ConfigKeeper } from '../../../../device/config/desired/config-keeper.ts';
import type { ConfigAct } from '../../../../device/config/desired/keeper-state.ts';
import type { UnitAct } from '../../../../device/evidence/record-act.ts';
import { canonicalJson } from '../../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../../device/kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../../../device/kernel/errors.ts';
import { type Files, listIfThere } from '../../../../device/kernel/files.ts';
import { sha256 } from '../../../../device/kernel/hash.ts';
import type { Random } from '../../../../device/kernel/supervise.ts';
import type { Timer } from '../../../../device/kernel/timer.ts';
import type { UpdateJobInput } from '../../../../ota/contract/job.ts';
import type { Target } from '../../../../ota/contract/target.ts';
import type { Command } from '../../../contract/acts.ts';
import type { EvidenceGet } from '../../../contract/evidence.ts';
import type { OutboxEvent } from '../../../contract/outbox.ts';
import type { Obedience, UnitBody } from '../../../simulate/obedience.ts';
import type { UnitPlace } from '../../../simulate/simulated-fleet.ts';
import { SimulatedUpdates } from '../../../simulate/simulated-updates.ts';
import { CommandInbox } from '../../../unit-end/commands/command-inbox.ts';
import type { CommandAudit } from '../../../unit-end/commands/command-types.ts';
import { EvidenceServer } from '../../../unit-end/evidence/evidence-server.ts';
import { Grants } from '../../../unit-end/evidence/grants.ts';
import { unmetered } from '../../../unit-end/outbox/data-budget.ts';
import { simulatedCommands } from './simulated-commands.ts';
import type { FleetConfig } from './simulated-config.ts';
import type { UnitLedger } from './unit-ledger.ts';

export interface ObedientUnitParts {
  readonly place: UnitPlace;
  readonly ledger: UnitLedger;
  readonly body: UnitBody;
  readonly config: FleetConfig;
  /** Every trial fails: as if the broker were not reached with what is on trial. */
  readonly stubborn: boolean;
  /** Undefined where no centre is known: then there are no updates. */
  readonly updates: FleetUpdates | undefined;
  readonly files: Files;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly onFault: (fault: AtalayaError) => void;
}

/** What is the same for every unit of a simulation. */
export interface FleetUpdates {
  readonly targets: readonly Target[];
  readonly job: (unit: string) => Promise<UpdateJobInput | undefined>;
}

const folders = { config: 'config', commands: 'commands', grants: 'grants.json', updates: 'updates.json' } as const;

/**
 * Obeys in the name of a simulated unit, with the parts of a real one: the keeper of its configuration, the inbox of commands, the server
 * of evidence. Each is opened when first there is something for it, or at a start where it left something; most units of a large fleet
 * need none.
 */
export class ObedientUnit implements Obedience {
  readonly #parts: ObedientUnitParts;
  readonly #base: Config;
  readonly #keeper: Late<ConfigKeeper>;
  readonly #inbox: Late<CommandInbox>;
  readonly #grants: Late<Grants>;
  readonly #updates: Late<SimulatedUpdates> | undefined;
  readonly #server: EvidenceServer;
  #config: Config;
  #ownSha256: string | undefined;

  constructor(parts: ObedientUnitParts) {
    const { place, config, body } = parts;
    this.#parts = parts;
    this.#base = config.baseOf(place);
    this.#config = this.#base;
    this.#keeper = new Late(() => this.#openKeeper());
    this.#inbox = new Late(() => this.#openInbox());
    this.#grants = new Late(() => this.#openGrants());
    const { updates } = parts;
    this.#updates = updates && new Late(() => this.#openUpdates(updates));
    this.#server = new EvidenceServer({
      grants: { allows: (evidence, file) => this.#grants.open?.allows(evidence, file) ?? false },
      // Records of what is made up name no files.
      open: async () => undefined,
      publishBlock: (...block) => body.block(...block),
      budget: unmetered,
    });
  }

  /** With what an earlier run left. Throws the faults of the disk. */
  static async open(parts: ObedientUnitParts): Promise<ObedientUnit> {
    const unit = new ObedientUnit(parts);
    await unit.#openLeft();
    return unit;
  }

  get state(): Obedience['state'] {
    const inForce = this.#keeper.open?.reported().inForce;
    this.#ownSha256 ??= sha256(canonicalJson(this.#base));
    return {
      configuration: inForce ?? { version: 0, sha256: this.#ownSha256 },
      flags: this.#config.flags,
    };
  }

  sends(kind: OutboxEvent['kind']): boolean {
    const { announceCounts, sendTelemetry } = this.#config.flags;
    return kind === 'count' ? announceCounts : kind === 'telemetry' ? sendTelemetry : true;
  }

  desired(payload: Uint8Array): Promise<void> {
    return this.#surviving(async () => (await this.#keeper.get()).desired(payload));
  }

  command(command: Command, topic: { readonly name: string; readonly id: string }): Promise<void> {
    return this.#surviving(async () => (await this.#inbox.get()).take(command, topic));
  }

  evidenceGet(get: EvidenceGet): Promise<void> {
    void this.#server.asked(get);
    return Promise.resolve();
  }

  get sees(): number {
    return this.#updates?.open?.sees ?? 1;
  }

  notified(): void {
    void this.#surviving(async () => (await this.#updates?.get())?.notified());
  }

  online(): void {
    void this.#inbox.open?.resume();
  }

  get onTrial(): boolean {
    return this.#keeper.open?.onTrial ?? false;
  }

  async tick(): Promise<void> {
    await this.#keeper.open?.tick();
  }

  restarted(): Promise<void> {
    return this.#surviving(async () => {
      await this.close();
      await this.#openLeft();
    });
  }

  async close(): Promise<void> {
    await this.#inbox.close((inbox) => inbox.close());
    await this.#updates?.close((updates) => updates.close());
    await this.#keeper.close((keeper) => keeper.close());
    await this.#grants.close(async () => {});
  }

  async #openLeft(): Promise<void> {
    const left = await listIfThere(this.#parts.files, this.#parts.place.folder);
    if (left.includes(folders.config)) await this.#keeper.get();
    if (left.includes(folders.commands)) await this.#inbox.get();
    if (left.includes(folders.grants)) await this.#grants.get();
    // The centre picks targets by what a unit says that it runs on.
    await this.#updates?.get();
  }

  async #openKeeper(): Promise<ConfigKeeper> {
    const { place, body, config, files, clock, timer, ledger, stubborn, onFault } = this.#parts;
    const keeper = await ConfigKeeper.open({
      ...{ files, clock, timer, base: this.#base, facts: config.factsOf(place) },
      folder: join(place.folder, folders.config),
      people: () => config.people,
      apply: async (inForce, _, needs) => {
        if (needs === 'restart') body.restart();
        else this.#config = inForce;
        body.stateChanged();
      },
      probe: (since) => {
        const { brokerReached, framesSeen } = body.did(since);
        return { brokerReached: brokerReached && !stubborn, framesSeen, evidenceSealed: false };
      },
      prove: ({ version, sha256: digest }) =>
        ledger.act({
          actor: itself,
          action: { kind: 'configuration', version, sha256: digest, outcome: 'trial', reasons: [] },
          reason: 'sealed to prove that sealing works',
        }),
      report: (reported) => body.report(reported),
      audit: async (act) => {
        await ledger.act(configurationAct(act));
        body.stateChanged();
      },
      problem: onFault,
    });
    this.#config = keeper.effective();
    await keeper.begin();
    return keeper;
  }

  #openUpdates({ targets, job }: FleetUpdates): Promise<SimulatedUpdates> {
    const { place, body, files, clock, timer, random, ledger, stubborn } = this.#parts;
    const { unit, folder } = place;
    return SimulatedUpdates.open({
      ...{ unit, files, clock, timer, random, targets, stubborn, signer: ledger.signer },
      path: join(folder, folders.updates),
      // Every other one is of the other kind.
      hardware: Number(unit.slice(-1)) % 2 === 0 ? 'x64' : 'arm64',
      job: () => job(unit),
      said: (update) => body.updateSaid(update),
      reported: (report) => body.versionsSaid(report),
    });
  }

  #openInbox(): Promise<CommandInbox> {
    const { place, body, config, files, clock, timer, random, ledger, onFault } = this.#parts;
    return CommandInbox.open({
      ...{ files, clock, timer, random, unit: place.unit, onFault },
      folder: join(place.folder, folders.commands),
      people: () => config.people,
      executors: simulatedCommands({ unit: place.unit, body, clock, grants: () => this.#grants.get() }),
      audit: (entry) => ledger.act(commandAct(entry)),
      reply: (reply) => body.reply(reply),
    });
  }

  #openGrants(): Promise<Grants> {
    const { place, files, clock } = this.#parts;
    return Grants.open(join(place.folder, folders.grants), { files, clock, policy: 'on-request' });
  }

  /** Whoever brings a message is not told what became of it. */
  async #surviving(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#parts.onFault(isAtalayaError(error) ? error : new AtalayaError('internal', words, { cause: error }));
    }
  }
}

/** Something that is opened when it is first needed, once; where that fails it is tried again. */
class Late<T> {
  readonly #make: () => Promise<T>;
  #opening: Promise<T> | undefined;
  #open: T | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  get open(): T | undefined {
    return this.#open;
  }

  get(): Promise<T> {
    this.#opening ??= this.#make().then(
      (made) => {
        this.#open = made;
        return made;
      },
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  async close(end: (open: T) => Promise<void>): Promise<void> {
    const made = await this.#opening?.catch(() => undefined);
    this.#opening = undefined;
    this.#open = undefined;
    if (made !== undefined) await end(made);
  }
}

const itself = { kind: 'unit', name: 'configuration' } as const;

function configurationAct({ version, sha256: digest, outcome, reasons, person, byHand }: ConfigAct): UnitAct {
  const actor =
    person !== undefined
      ? ({ kind: 'operator', name: person.name, role: person.role, key: person.key } as const)
      : byHand === undefined
        ? itself
        : ({ kind: 'person', name: byHand, account: byHand } as const);
  const named = digest === undefined ? {} : { sha256: digest };
  return {
    actor,
    action: { kind: 'configuration', version, ...named, outcome, reasons: [...reasons] },
    reason: `configuration ${version} ${outcome}`,
  };
}

function commandAct({ id, name, person, outcome, reason }: CommandAudit): UnitAct {
  return {
    actor: person === undefined ? { kind: 'unit', name: 'commands' } : { kind: 'operator', ...person },
    action: { kind: 'command', id, name, outcome, ...(reason === undefined ? {} : { reason }) },
    reason: `command ${name} ${outcome}`,
  };
}
