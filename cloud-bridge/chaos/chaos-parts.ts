import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeWitnessPem, witnessKeyOf } from '../centre/witness/witness-key.ts';
import { makePki, type Pki } from '../testing/make-pki.ts';
import { type StartedBroker, startMosquitto } from '../testing/start-mosquitto.ts';
import { Child } from './child.ts';
import type { Party, Station } from './faults.ts';
import { Line } from './line.ts';
import { type Network, openNetwork } from './network.ts';
import { type UnitOptions, type UnitStatus, unitStatus } from './unit-options.ts';

export interface PartsOptions {
  readonly folder: string;
  readonly units: readonly Station[];
  readonly seed: number;
  /** A unit has said how it is. */
  readonly onStatus: (unit: Station, status: UnitStatus) => void;
  /** Something happened that no fault explains. */
  readonly onViolation: (text: string) => void;
}

/** Longest that a bridge may take from its start until it listens. */
const bridgeStartMs = 60_000;
/** So little that the larger bursts of an outage do not fit. */
const telemetryBytes = 200_000;

/** Everything that a run starts: a broker, a bridge, units, and the lines between them. */
export class ChaosParts {
  readonly network: Network;
  readonly broker: StartedBroker;
  readonly lines: ReadonlyMap<Station, Line>;
  readonly archivePath: string;
  readonly unitOptions: ReadonlyMap<Station, UnitOptions>;
  readonly #options: PartsOptions;
  readonly #brokerFolder: string;
  readonly #running = new Map<Station, Child>();
  /** Those whose end is meant. */
  readonly #ending = new Set<Child>();
  readonly #commands: ReadonlyMap<Station, readonly string[]>;
  #onListening: () => void = () => {};

  private constructor(
    options: PartsOptions,
    parts: Pick<ChaosParts, 'network' | 'broker' | 'lines' | 'unitOptions'> & {
      readonly brokerFolder: string;
      readonly commands: ReadonlyMap<Station, readonly string[]>;
    },
  ) {
    this.#options = options;
    this.network = parts.network;
    this.broker = parts.broker;
    this.lines = parts.lines;
    this.unitOptions = parts.unitOptions;
    this.#brokerFolder = parts.brokerFolder;
    this.#commands = parts.commands;
    this.archivePath = join(options.folder, 'bridge', 'archive.sqlite');
  }

  /** Undefined where there is no Mosquitto on this machine. What was opened is on `open`, to be closed in any case. */
  static async open(options: PartsOptions, open: AsyncDisposableStack): Promise<ChaosParts | undefined> {
    const { folder, units } = options;
    const stations: readonly Station[] = ['bridge', ...units];
    const pki = await makePki(join(folder, 'pki'));
    const brokerFolder = join(folder, 'broker');
    const broker = await startMosquitto({ pki, bridges: ['bridge-1'], folder: brokerFolder });
    if (broker === undefined) return undefined;
    open.defer(() => broker.stop());
    const network = await openNetwork(stations);
    open.defer(() => network.close());
    const lines = new Map<Station, Line>();
    for (const station of stations) {
      const line = await Line.open(network.address(station), broker.port);
      open.defer(() => line.close());
      lines.set(station, line);
    }
    const urlOf = (station: Station) => `mqtts://${network.address(station)}:${lines.get(station)?.port}`;
    const witness = makeWitnessPem();
    const made = await makeUnits(options, pki, witnessKeyOf('chaos-witness', witness).vkey, urlOf);
    const commands = new Map(made.commands);
    commands.set('bridge', await makeBridge(folder, pki, witness, urlOf('bridge')));
    for (const [station, command] of commands) commands.set(station, network.command(station, command));
    const parts = new ChaosParts(options, {
      network,
      broker,
      lines,
      brokerFolder,
      unitOptions: made.options,
      commands,
    });
    open.defer(() => parts.killAll());
    return parts;
  }

  /** Starts the bridge, or a unit on its folder. Resolves when a bridge listens. */
  async start(station: Station): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (station === 'bridge') this.#onListening = resolve;
    else resolve();
    const child: Child = new Child(this.#commands.get(station) ?? [], (line) => this.#said(station, line));
    this.#running.set(station, child);
    void child.ended.then(({ code, signal }) => {
      // Killed by the next fault before it listened: nobody waits for it any more.
      if (this.#ending.has(child)) return resolve();
      this.#options.onViolation(
        `ended by itself: ${station} with ${code ?? signal}: ${child.lines.slice(-8).join(' | ') || 'it said nothing'}`,
      );
      resolve();
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(() => {
        this.#options.onViolation('stuck: the bridge does not listen a minute after its start');
        done();
      }, bridgeStartMs);
    });
    await Promise.race([promise, late]);
    clearTimeout(timer);
  }

  /** SIGKILL. What it complained of before is told. */
  async kill(station: Station): Promise<void> {
    const child = this.#running.get(station);
    if (child === undefined) return;
    this.#ending.add(child);
    await child.kill();
    this.#complaints(station, child);
  }

  async killBroker(): Promise<void> {
    await this.broker.kill();
  }

  /** `forgetful`: it has to begin without what it kept. */
  async startBroker(forgetful: boolean): Promise<void> {
    if (forgetful) {
      const data = join(this.#brokerFolder, 'data');
      for (const name of await readdir(data)) await rm(join(data, name), { recursive: true });
    }
    await this.broker.restart();
  }

  signal(party: Party, name: 'SIGSTOP' | 'SIGCONT'): void {
    if (party === 'broker') process.kill(this.broker.pid, name);
    else this.#running.get(party)?.signal(name);
  }

  tell(unit: Station, line: string): void {
    this.#running.get(unit)?.tell(line);
  }

  /** Lets all of them end as they do in quiet times: units first, so that the bridge hears the last of them. */
  async end(patienceMs: number): Promise<void> {
    const stations = [...this.#running.keys()];
    await Promise.all(stations.filter((station) => station !== 'bridge').map((unit) => this.#end(unit, patienceMs)));
    await this.#end('bridge', patienceMs);
  }

  async killAll(): Promise<void> {
    for (const child of this.#running.values()) this.#ending.add(child);
    await Promise.all([...this.#running.values()].map((child) => child.kill()));
  }

  async #end(station: Station, patienceMs: number): Promise<void> {
    const child = this.#running.get(station);
    if (child === undefined || child.ending !== undefined) return;
    this.#ending.add(child);
    const { code, signal } = await child.end(patienceMs);
    this.#complaints(station, child);
    if (code === 0) return;
    this.#options.onViolation(
      `ended badly: ${station}, told to stop, with ${code ?? signal}: ${child.lines.slice(-5).join(' | ')}`,
    );
  }

  #complaints(station: Station, child: Child): void {
    for (const line of child.lines) {
      if (line.startsWith('complaint: ')) this.#options.onViolation(`${station}: ${line}`);
    }
  }

  #said(station: Station, line: string): void {
    if (station === 'bridge') {
      if (line.startsWith('listening: ')) this.#onListening();
      return;
    }
    const status = unitStatus.safeParse(jsonOf(line));
    if (status.success) this.#options.onStatus(station, status.data);
  }
}

async function makeUnits(
  { folder, units, seed }: PartsOptions,
  pki: Pki,
  witness: string,
  urlOf: (station: Station) => string,
): Promise<{
  readonly options: ReadonlyMap<Station, UnitOptions>;
  readonly commands: ReadonlyMap<Station, readonly string[]>;
}> {
  const options = new Map<Station, UnitOptions>();
  const commands = new Map<Station, readonly string[]>();
  const program = fileURLToPath(new URL('./chaos-unit.ts', import.meta.url));
  for (const [i, unit] of units.entries()) {
    const place = join(folder, unit);
    const told = {
      ...{ unit, folder: place, broker: urlOf(unit), witness, seed: seed + i, telemetryBytes },
      ...(await credentials(pki, unit, place)),
    };
    const file = join(place, 'options.json');
    await writeFile(file, JSON.stringify(told));
    options.set(unit, told);
    commands.set(unit, [process.execPath, program, file]);
  }
  return { options, commands };
}

async function makeBridge(folder: string, pki: Pki, witness: string, url: string): Promise<readonly string[]> {
  const place = join(folder, 'bridge-files');
  const { ca, cert, key } = await credentials(pki, 'bridge-1', place);
  const keyFile = join(place, 'witness.pem');
  await writeFile(keyFile, witness, { mode: 0o600 });
  const config = {
    name: 'bridge-1',
    broker: { url, ca, cert, key, serverName: 'localhost', keepAliveS: 5 },
    witness: { name: 'chaos-witness', keyFile },
    api: { socket: null },
    ops: null,
    log: { level: 'warn', folder: join(folder, 'bridge-log') },
  };
  const file = join(place, 'bridge.yaml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config));
  const program = fileURLToPath(new URL('../cli/atalaya-bridge.ts', import.meta.url));
  return [process.execPath, program, 'run', '--data', join(folder, 'bridge'), '--config', file];
}

async function credentials(pki: Pki, name: string, place: string) {
  await mkdir(place, { recursive: true });
  const issued = await pki.issue(name);
  const paths = { ca: join(place, 'ca.pem'), cert: join(place, 'cert.pem'), key: join(place, 'key.pem') };
  for (const part of ['ca', 'cert', 'key'] as const) await writeFile(paths[part], issued[part], { mode: 0o600 });
  return paths;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
