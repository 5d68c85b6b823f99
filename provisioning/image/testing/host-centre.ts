import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SqliteArchive } from '../../../cloud-bridge/centre/archive/sqlite-archive.ts';
import { type Program, runProgram } from '../../../cloud-bridge/testing/run-program.ts';
import { type StartedBroker, startMosquitto } from '../../../cloud-bridge/testing/start-mosquitto.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { bridgeProgram, type Called, callProgram } from '../../../device/testing/call-program.ts';
import { asAna, makeFleetPeople } from '../../../device/testing/fleet-people.ts';
import {
  makeUpdateRepository,
  publishTargets,
  updateRoots,
  updatesOfBridge,
} from '../../../ota/testing/real-update/update-repository.ts';
import { WatchedTopics } from '../../../ota/testing/real-update/watched-topics.ts';

/** An infraction as the archive of the centre has it. */
export interface ArchivedInfraction {
  readonly sequence: number;
  readonly previous: number;
  readonly evidence: string | undefined;
}

/**
 * A fleet's authority, a Mosquitto with the recommended configuration, a bridge with its archive and an update repository: everything that a city has before its first
 * unit, made with the programs that it would be made with. On the loopback of this machine.
 */
export class HostCentre {
  readonly folder: string;
  readonly #broker: StartedBroker;
  readonly #bridge: Program;

  constructor(folder: string, broker: StartedBroker, bridge: Program) {
    this.folder = folder;
    this.#broker = broker;
    this.#bridge = bridge;
  }

  /** `host`: address by which units reach the broker. Undefined where no Mosquitto is installed. */
  static async open(folder: string, host: string): Promise<HostCentre | undefined> {
    const at = (name: string): string => join(folder, name);
    await mkdir(folder, { recursive: true });
    await writeFile(at('passphrase'), 'one city, one authority\n', { mode: 0o600 });
    const secret = ['--passphrase-file', at('passphrase')];
    await callProgram('provision', ['ca', 'init', '--out', at('ca'), '--name', 'A city', ...secret]);
    const hosts = ['--host', host, '--host', '127.0.0.1'];
    await issue(folder, 'broker', ['--kind', 'broker', '--name', 'localhost', ...hosts, ...secret]);
    // The second one only looks.
    const bridges = ['bridge-1', 'bridge-2'];
    for (const name of bridges) await issue(folder, name, ['--kind', 'bridge', '--name', name, ...secret]);
    await callProgram('provision', ['ca', 'crl', '--ca', at('ca'), ...secret]);
    const broker = await startMosquitto({
      folder: at('mosquitto'),
      bridges,
      pki: {
        ca: at('ca/ca.pem'),
        crl: at('ca/crl.pem'),
        server: { cert: at('broker.pem'), key: at('broker.key') },
      },
    });
    if (broker === undefined) return undefined;
    await makePeople(folder);
    await makeUpdateRepository(folder);
    await writeFile(
      at('bridge.yaml'),
      `data: centre
broker: { url: '${broker.url}', ca: ca/ca.pem, cert: bridge-1.pem, key: bridge-1.key }
trust: { rootKey: root.public.pem, document: trust.json }
${updatesOfBridge}
ops: { port: 0 }
`,
    );
    const bridge = runProgram(process.execPath, [bridgeProgram, 'run', '--config', at('bridge.yaml')]);
    const witness = /witness: (\S+)/.exec(await bridge.said(/witness: /, 60_000))?.[1] ?? '';
    await writeFile(at('witnesses'), `${witness}\n`);
    return new HostCentre(folder, broker, bridge);
  }

  /** Gives a unit what it needs, over its local page. `digits`: the last eight that its screen shows. */
  async enrol(page: string, unit: string, digits: string, configuration: string, host: string): Promise<Called> {
    const at = (name: string): string => join(this.folder, name);
    await writeFile(at('first.yaml'), configuration);
    return callProgram('provision', [
      ...['enrol', page, '--unit', unit, '--site', 'North gate', '--fingerprint', digits],
      ...['--ca', at('ca'), '--passphrase-file', at('passphrase')],
      ...['--broker', `mqtts://${host}:${this.#broker.port}`],
      ...['--trust', at('trust.json'), '--root-key', at('root.public.pem')],
      ...Object.entries(updateRoots).flatMap(([name, file]) => ['--update-root', `${name}=${at(file)}`]),
      ...['--recipients', at('recipients'), '--witnesses', at('witnesses'), '--config', at('first.yaml')],
    ]);
  }

  /** Identifiers of the evidence of the infractions that are archived, as the people of the centre see them. */
  async listed(unit: string): Promise<readonly string[]> {
    const { infractions } = await this.#ask<{
      readonly infractions: readonly { readonly unit: string; readonly evidence?: string }[];
    }>('evidence', 'list', '--limit', '1000');
    return infractions.flatMap((one) => (one.unit === unit && one.evidence !== undefined ? [one.evidence] : []));
  }

  /** The key that the unit signs its evidence with, as the centre has pinned it at their first contact (a verifier key). */
  async keyOf(unit: string): Promise<string | undefined> {
    const { units } = await this.#ask<{
      readonly units: readonly { readonly unit: string; readonly key?: { readonly vkey: string } }[];
    }>('status');
    return units.find((one) => one.unit === unit)?.key?.vkey;
  }

  /** What `atalaya-fleet` answers to Ana. */
  async fleet(...words: readonly string[]): Promise<string> {
    return (await callProgram('fleet', words, asAna(this.folder))).out;
  }

  /** Two of three sign what lies in these folders; then it is published. */
  publish(bundles: readonly string[]): Promise<void> {
    return publishTargets(this.folder, bundles);
  }

  /** What a unit says to its broker, from outside. */
  watch(unit: string): Promise<WatchedTopics> {
    return WatchedTopics.open(this.folder, this.#broker.url, unit, 'ca/ca.pem');
  }

  async #ask<T>(...words: readonly string[]): Promise<T> {
    return JSON.parse(await this.fleet(...words, '--json')) as T;
  }

  /** Ends broker and bridge; gives what the archive has of a unit's lane of infractions, in its order. */
  async close(unit: string): Promise<readonly ArchivedInfraction[]> {
    await this.#bridge.end('SIGTERM', 20_000);
    await this.kill();
    const archive = await SqliteArchive.open(join(this.folder, 'centre/archive.sqlite'), { clock: systemClock });
    try {
      const events = await archive.events({ unit, lane: 'infraction', order: 'sequence', limit: 100_000 });
      return events.map(({ sequence, previous, kind, data }) => ({
        sequence,
        previous,
        evidence: kind === 'infraction' ? evidenceOf(data) : undefined,
      }));
    } finally {
      await archive.close();
    }
  }

  /** Ends everything at once. */
  async kill(): Promise<void> {
    await this.#bridge.end('SIGKILL');
    await this.#broker.kill();
  }
}

/** The id in the record of a ledger entry (cloud-bridge/contract/events.ts). */
const evidenceOf = (data: unknown): string | undefined =>
  (data as { readonly record?: { readonly id?: string } }).record?.id;

/** Key and certificate of a broker or a bridge, as the README of provisioning has it. */
async function issue(folder: string, name: string, args: readonly string[]): Promise<void> {
  const file = (ending: string): string => join(folder, `${name}.${ending}`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('key')];
  await promisify(execFile)('openssl', ['req', '-new', ...key, '-subj', '/', '-out', file('csr')]);
  await callProgram('provision', [
    'ca',
    'sign',
    file('csr'),
    '--ca',
    join(folder, 'ca'),
    '--out',
    file('pem'),
    ...args,
  ]);
}

/** Who may do what, and who opens pictures. */
async function makePeople(folder: string): Promise<void> {
  const at = (name: string): string => join(folder, name);
  await makeFleetPeople(folder);
  const said = await callProgram('audit', ['new-authority', '--out', at('authority.txt')]);
  const recipient = /age1[0-9a-z]+/.exec(`${said.out}${said.err}${await readFile(at('authority.txt'), 'utf8')}`)?.[0];
  await writeFile(at('recipients'), `${recipient}\n`);
}
