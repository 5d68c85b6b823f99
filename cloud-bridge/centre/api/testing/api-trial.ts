import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../../device/kernel/clock.ts';
import { signDocument } from '../../../../device/kernel/signed/sign-document.ts';
import { systemTimer } from '../../../../device/kernel/timer.ts';
import { milliseconds } from '../../../../device/kernel/units.ts';
import { type Trust, trustSchemaId } from '../../../contract/acts.ts';
import { makePersonKey, signerOf } from '../../../contract/person-key.ts';
import type { Role } from '../../../contract/roles.ts';
import { BridgeTrial } from '../../bridge/testing/bridge-trial.ts';
import { RolloutKeeper } from '../../rollout/rollout-keeper.ts';
import { rolloutUpdates } from '../../updates/rollout-updates.ts';
import type { UpdateParts } from '../../updates/update-ports.ts';
import { desiredFault } from '../config-handlers.ts';
import { PeopleKeeper } from '../people-keeper.ts';
import { ApiServer } from '../server.ts';
import type { Services } from '../services.ts';
import { AskingPerson } from './asking-person.ts';

/** A bridge in memory with people who ask it over a socket. */
export class ApiTrial {
  readonly trial = new BridgeTrial();
  readonly root = makePersonKey();
  readonly people: readonly AskingPerson[];
  readonly #folder: string;
  #services: Services | undefined;
  #server: ApiServer | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    const roles: readonly Role[] = ['operator', 'supervisor', 'auditor', 'technician'];
    this.people = roles.map((role) => new AskingPerson(`a ${role}`, role, this.socket));
  }

  static async start(updates?: UpdateParts): Promise<ApiTrial> {
    const trial = new ApiTrial(await mkdtemp(join(tmpdir(), 'atalaya-api-')));
    await trial.serve(updates);
    return trial;
  }

  get socket(): string {
    return join(this.#folder, 'api.sock');
  }

  get services(): Services {
    if (this.#services === undefined) throw new Error('not started');
    return this.#services;
  }

  person(role: Role): AskingPerson {
    const found = this.people.find((one) => one.role === role);
    if (found === undefined) throw new Error(`nobody is ${role}`);
    return found;
  }

  async trust(version: number, people = this.people, more: Partial<Trust> = {}, root = this.root): Promise<Trust> {
    const body = {
      schema: trustSchemaId,
      version,
      issued: new Date().toISOString(),
      people: people.map(({ entry }) => entry),
      ...more,
    } as const;
    return signDocument(body as never, signerOf(root.privatePem)) as unknown as Promise<Trust>;
  }

  async serve(updates?: UpdateParts): Promise<void> {
    const { archive, blobs, log } = this.trial;
    const { bridge } = await this.trial.bridge({ updates });
    const people = new PeopleKeeper(archive, createPublicKey(this.root.publicPem), systemClock);
    await people.accept(JSON.stringify(await this.trust(1)));
    const rollouts = new RolloutKeeper({
      ...{ archive, clock: systemClock, name: 'bridge-1', lease: milliseconds(30_000) },
      release: (unit, document) => bridge.configs.release(unit, document, 'rollout'),
      view: async () => ({}),
      check: (document) => desiredFault(services, document),
      updates: rolloutUpdates(bridge.updates, archive, systemClock),
    });
    const services: Services = { bridge, archive, blobs, rollouts, people, clock: systemClock };
    this.#services = services;
    this.#server = new ApiServer(services, systemTimer, log);
    await this.#server.listen({ socket: this.socket });
  }

  get figures() {
    return this.#server?.figures;
  }

  async end(): Promise<void> {
    await this.#server?.close();
    await this.trial.end();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
