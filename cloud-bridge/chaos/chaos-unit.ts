#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { systemClock as clock } from '../../device/kernel/clock.ts';
import { type AtalayaError, explain } from '../../device/kernel/errors.ts';
import { supervise } from '../../device/kernel/supervise.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { systemTimer as timer } from '../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../device/kernel/units.ts';
import { type Lane, lanes } from '../contract/outbox.ts';
import { openMqttLink } from '../link/mqtt-link.ts';
import { unmetered } from '../unit-end/outbox/data-budget.ts';
import { Drain } from '../unit-end/outbox/drain.ts';
import { UnitEnd } from '../unit-end/unit-end.ts';
import { Oracle, readOracle } from './oracle.ts';
import { placesOf, type UnitOptions, type UnitStatus, unitOptions } from './unit-options.ts';
import { openUnitStores, type UnitStores } from './unit-stores.ts';
import { UnitWork } from './unit-work.ts';

/**
 * A unit of the chaos run: ledger, queues, outbox and link as on a roadside, composed as `device/unit/cloud/unit-cloud.ts` does it, with patience cut
 * short so that a run of minutes sees many of its waits end. Called with the path of its options. Reads commands from its standard input,
 * a line each (`burst LANE COUNT`, `quiet`); at its end, which is the end of whoever started it, it ends too.
 */

const statusEvery = milliseconds(150);
const backoff = { first: milliseconds(200), most: milliseconds(4000) };

async function main(path: string): Promise<void> {
  const options = unitOptions.parse(JSON.parse(await readFile(path, 'utf8')));
  const stores = await openUnitStores(options);
  const oracleFile = placesOf(options.folder).oracle;
  const notes = await readOracle(oracleFile);
  const oracle = await Oracle.open(oracleFile);
  const work = new UnitWork(stores, oracle, notes, seededRandom(options.seed + Date.now()));
  const centre = new Centre(options, stores);
  const stop = new AbortController();
  const all = [centre.run(stop.signal), work.run(stop.signal), report(centre, stop.signal)];

  process.once('SIGTERM', () => stop.abort());
  const input = createInterface({ input: process.stdin });
  input.once('close', () => process.exit(3));
  input.on('line', (line) => {
    const [word, lane, count] = line.split(' ');
    if (word === 'burst' && isLane(lane)) all.push(work.burst(lane, Number(count)).catch(fail));
    if (word === 'quiet') {
      work
        .quiet()
        .then(() => {
          centre.quiet = true;
        })
        .catch(fail);
    }
  });
  await Promise.all(all);
  await work.quiet();
  await centre.close();
  await oracle.close();
  await stores.close();
}

/** Session and outbox. */
class Centre {
  quiet = false;
  readonly #end: UnitEnd;
  readonly #drain: Drain;
  readonly #stores: UnitStores;
  #connections = 0;
  #cosigned = 0;
  #checkpointed = -1;

  constructor(options: UnitOptions, stores: UnitStores) {
    const { unit } = options;
    const { ledger, lane, alerts, telemetry } = stores;
    this.#stores = stores;
    this.#end = new UnitEnd({
      unit,
      clock,
      openLink: (handlers, will) => openMqttLink({ ...linkOptions(options), will }, handlers),
      state: () => ({ software: 'chaos', signingKey: { spki: ledger.publicKey.pem, vkey: ledger.publicKey.vkey } }),
      checkpoint: () => ledger.checkpointed?.note,
      inboxes: {
        ack: (ack) => this.#drain.acknowledged(ack),
        desired: async () => {},
        command: async () => {},
        evidenceGet: async () => {},
        cosigned: (note) => this.#cosign(note),
      },
      online: (session) => {
        this.#connections += 1;
        this.#drain.online(session);
      },
      offline: () => this.#drain.offline(),
      refused: ({ reason, detail }) => complain(`a message of the centre is none: ${reason}: ${detail}`),
    });
    this.#drain = new Drain({
      unit,
      link: this.#end.open(),
      sources: { alert: alerts, infraction: lane, telemetry },
      window: 64,
      budget: unmetered,
      clock,
      timer,
      random: Math.random,
      resendAfter: milliseconds(2500),
      onRefused: (name, sequence, reason) => complain(`the centre refuses ${name} ${sequence}: ${reason}`),
      onFault: (name, fault) => complain(`${name}: ${explain(fault)}`),
    });
  }

  get status(): UnitStatus {
    const { queued, sentEvents, resentEvents, sentMessages } = this.#drain.figures;
    const waiting = Object.values(queued).reduce((sum, count) => sum + count, 0);
    const { ledger, alerts, telemetry } = this.#stores;
    return {
      online: this.#end.session !== undefined,
      quiet: this.quiet,
      queued: waiting,
      acknowledged: ledger.last + alerts.last + telemetry.last - waiting,
      ...{ sentEvents, resentEvents, sentMessages },
      connections: this.#connections,
      cosigned: this.#cosigned,
    };
  }

  /** Until stopped. */
  async run(signal: AbortSignal): Promise<void> {
    await supervise((attempt) => this.#drain.run(attempt.signal, attempt.beat), {
      ...{ name: 'outbox', signal, clock, timer, random: Math.random, backoff },
      deadline: milliseconds(60_000),
      grace: milliseconds(3000),
      onFault: (fault: AtalayaError) => complain(`the outbox begins anew: ${explain(fault)}`),
    });
  }

  /** To be called now and then: a new checkpoint goes to the centre. */
  look(): void {
    const size = this.#stores.ledger.checkpointed?.size ?? -1;
    if (size === this.#checkpointed) return;
    this.#checkpointed = size;
    this.#end.checkpointed();
  }

  close(): Promise<void> {
    return this.#end.close();
  }

  async #cosign(note: string): Promise<void> {
    // One that was overtaken by a newer checkpoint is not taken, and that is as it should be.
    await this.#stores.ledger.cosign(note).then(
      () => {
        this.#cosigned += 1;
      },
      () => undefined,
    );
  }
}

function linkOptions({ unit, broker, ca, cert, key }: UnitOptions) {
  return {
    url: broker,
    clientId: unit,
    serverName: 'localhost',
    protocol: 'auto',
    keepAlive: seconds(4),
    sessionExpiry: seconds(3600),
    ...{ backoff, clock, timer },
    connectDeadline: milliseconds(6000),
    random: Math.random,
    credentials: async () => ({ ca: await readFile(ca), cert: await readFile(cert), key: await readFile(key) }),
  } as const;
}

async function report(centre: Centre, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    centre.look();
    process.stdout.write(`${JSON.stringify(centre.status)}\n`);
    await timer.sleep(statusEvery, signal);
  }
}

const isLane = (text: string | undefined): text is Lane => lanes.some((lane) => lane === text);

/** What must not happen, for the account. */
function complain(what: string): void {
  process.stderr.write(`complaint: ${what.replaceAll('\n', ' ')}\n`);
}

function fail(error: unknown): never {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}

// Whoever reads the status may be gone before us.
process.stdout.on('error', () => {});
await main(process.argv[2] ?? '').then(() => process.exit(0), fail);
