import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { systemClock } from '../../device/kernel/clock.ts';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { systemFiles } from '../../device/kernel/files.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { makeWitnessPem } from '../centre/witness/witness-key.ts';
import { freePort, type OwnBroker, startOwnBroker } from '../simulate/own-broker.ts';
import { DemoAuthority } from '../simulate/pki/pki.ts';
import type { ClientPlace } from './sync-jobs.ts';
import { endOf, openRelay } from './sync-relay-process.ts';

const startDeadline = 30_000;
const program = fileURLToPath(new URL('../cli/atalaya-bridge.ts', import.meta.url));

/** A bridge in a process of its own. */
export interface RunningBridge {
  readonly pid: number;
  /** Events that it has archived, by its own metrics. */
  archived(): Promise<number>;
}

export interface BridgeChoice {
  readonly name: string;
  /** PostgreSQL; SQLite where absent. */
  readonly postgres?: string;
  /** Shares the messages with others: the broker deals them out, or each takes its part of the units. */
  readonly sharing?:
    | { readonly group: string }
    | { readonly partition: { readonly index: number; readonly of: number } };
}

/** One authority, one Mosquitto with the recommended configuration, and whatever is started at it. Everything ends with `close`. */
export class Stage {
  readonly broker: OwnBroker;
  readonly folder: string;
  readonly #authority: DemoAuthority;
  readonly #open = new AsyncDisposableStack();

  private constructor(folder: string, authority: DemoAuthority, broker: OwnBroker) {
    this.folder = folder;
    this.#authority = authority;
    this.broker = broker;
    this.#open.defer(() => broker.stop());
  }

  /** `extra`: lines behind the recommended configuration. Throws `program-missing`. */
  static async open(folder: string, extra = ''): Promise<Stage> {
    const authority = await DemoAuthority.create(systemClock);
    const bridges = ['bridge-1', 'bridge-2'];
    await makeFolders(systemFiles, folder);
    await writeFile(join(folder, 'witness.pem'), makeWitnessPem(), { mode: 0o600 });
    const broker = await startOwnBroker({ folder: join(folder, 'broker'), authority, bridges, extra });
    return new Stage(folder, authority, broker);
  }

  /** What a unit connects with; `port`: of a way to the broker that is not the direct one. */
  async place(unit: string, port = this.broker.port): Promise<ClientPlace> {
    const { certPem, keyPem } = await this.#authority.issue(unit);
    return { unit, url: `mqtts://127.0.0.1:${port}`, ca: this.#authority.certPem, cert: certPem, key: keyPem };
  }

  /** A folder with the certificates of these units. */
  async certificates(units: readonly string[]): Promise<string> {
    const folder = join(this.folder, 'certificates');
    await makeFolders(systemFiles, folder);
    await writeFile(join(folder, 'ca.pem'), this.#authority.certPem);
    for (const unit of units) {
      const { certPem, keyPem } = await this.#authority.issue(unit);
      await writeFile(join(folder, `${unit}.pem`), certPem);
      await writeFile(join(folder, `${unit}.key`), keyPem, { mode: 0o600 });
    }
    return folder;
  }

  /** A way to the broker on which a round trip takes so long longer; resolves with its port. */
  async relay(roundTripMs: number): Promise<number> {
    const relay = await openRelay(this.broker.port, roundTripMs);
    this.#open.defer(() => relay.stop());
    return relay.port;
  }

  /** A bridge as `atalaya-bridge run` starts it, connected to the broker when this resolves. */
  async bridge({ name, postgres, sharing }: BridgeChoice): Promise<RunningBridge> {
    const folder = join(this.folder, `${name}-${performance.now().toFixed(0)}`);
    await makeFolders(systemFiles, folder);
    const at = (file: string) => join(folder, file);
    const { certPem, keyPem } = await this.#authority.issue(name);
    await writeFile(at('ca.pem'), this.#authority.certPem);
    await writeFile(at('cert.pem'), certPem);
    await writeFile(at('key.pem'), keyPem, { mode: 0o600 });
    const port = await freePort();
    const config = {
      name,
      data: at('data'),
      broker: { url: this.broker.url, ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') },
      ...(postgres === undefined ? {} : { archive: { url: postgres } }),
      ...(sharing === undefined ? {} : { sharing }),
      witness: { keyFile: join(this.folder, 'witness.pem') },
      ops: { host: '127.0.0.1', port },
      log: { level: 'warn' },
    };
    await writeFile(at('bridge.yaml'), stringify(config));
    const child = spawn(process.execPath, [program, 'run', '--config', at('bridge.yaml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    this.#open.defer(async () => {
      await endOf(child);
      process.removeListener('exit', kill);
    });
    const until = performance.now() + startDeadline;
    while (!(await isHealthy(port))) {
      if (child.exitCode !== null || performance.now() > until)
        throw new AtalayaError('internal', `the bridge ${name} does not come: ${said}`);
      await systemTimer.sleep(milliseconds(50));
    }
    return { pid: child.pid ?? 0, archived: () => archivedOf(port) };
  }

  close(): Promise<void> {
    return this.#open.disposeAsync();
  }
}

const isHealthy = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/healthz`).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.ok;
    },
    () => false,
  );

async function archivedOf(port: number): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/_events_archived_total (\d+)$/m.exec(metrics)?.[1]);
}

/** Memory in bytes, and processor time in milliseconds, of a process of this machine. */
export async function usageOf(pid: number): Promise<{ readonly bytes: number; readonly cpuMs: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything; after it, from `state`, which is field 3: utime and stime are 14 and 15, rss is 24 (proc(5)).
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const ticks = (fields[11] ?? 0) + (fields[12] ?? 0);
  return { bytes: (fields[21] ?? 0) * pageBytes, cpuMs: ticks * tickMs };
}

/** Linux on x86-64, and on arm64 as Debian and Raspberry Pi OS build it. */
const pageBytes = 4096;
const tickMs = 10;
