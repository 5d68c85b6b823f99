import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePki } from '../../../cloud-bridge/testing/make-pki.ts';
import { type Program, runProgram } from '../../../cloud-bridge/testing/run-program.ts';
import { type StartedBroker, startMosquitto } from '../../../cloud-bridge/testing/start-mosquitto.ts';
import { bridgeProgram, callProgram } from '../../../device/testing/call-program.ts';
import { asAna, makeFleetPeople } from '../../../device/testing/fleet-people.ts';
import { makeUpdateRepository, publishTargets, updatesOfBridge } from './update-repository.ts';

/** A broker, a bridge that gives updates, and the people and the repository of one fleet, each made with the program that it would be made with. */
export class UpdateCentre {
  readonly folder: string;
  readonly broker: StartedBroker;
  readonly witness: string;
  readonly #bridge: Program;

  constructor(folder: string, broker: StartedBroker, bridge: Program, witness: string) {
    this.folder = folder;
    this.broker = broker;
    this.#bridge = bridge;
    this.witness = witness;
  }

  /** Undefined where no Mosquitto is installed. `units` have certificates `NAME.pem` and `NAME.key` in the folder; so has `bridge-2`, who only looks. */
  static async open(folder: string, units: readonly string[]): Promise<UpdateCentre | undefined> {
    const at = (name: string) => join(folder, name);
    await mkdir(folder, { recursive: true });
    const pki = await makePki(at('pki'));
    const broker = await startMosquitto({ pki, bridges: ['bridge-1', 'bridge-2'] });
    if (broker === undefined) return undefined;
    for (const cn of ['bridge-1', 'bridge-2', ...units]) {
      const { cert, key } = await pki.issue(cn);
      await writeFile(at(`${cn}.pem`), cert);
      await writeFile(at(`${cn}.key`), key, { mode: 0o600 });
    }
    await makeFleetPeople(folder);
    await makeUpdateRepository(folder);
    await writeFile(
      at('bridge.yaml'),
      `data: centre
broker: { url: '${broker.url}', ca: pki/ca.pem, cert: bridge-1.pem, key: bridge-1.key }
trust: { rootKey: root.public.pem, document: trust.json }
${updatesOfBridge}
ops: { port: 0 }
`,
    );
    const bridge = runProgram(process.execPath, [bridgeProgram, 'run', '--config', at('bridge.yaml')]);
    const witness = /witness: (\S+)/.exec(await bridge.said(/witness: /, 60_000))?.[1] ?? '';
    return new UpdateCentre(folder, broker, bridge, witness);
  }

  /** What `atalaya-fleet` answers to Ana. */
  async fleet(...args: readonly string[]): Promise<string> {
    return (await callProgram('fleet', args, asAna(this.folder))).out;
  }

  /** Two of three sign what lies in these folders; then it is published. */
  publish(bundles: readonly string[]): Promise<void> {
    return publishTargets(this.folder, bundles);
  }

  async close(): Promise<void> {
    await this.#bridge.end();
    await this.broker.stop();
  }
}
