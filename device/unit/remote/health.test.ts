import test, { type ExecutionContext } from 'ava';
import type { Alert, Telemetry } from '../../../cloud-bridge/contract/events.ts';
import type { OutboxEvent } from '../../../cloud-bridge/contract/outbox.ts';
import type { Reported } from '../../../cloud-bridge/contract/state.ts';
import { freePort } from '../../../cloud-bridge/testing/free-port.ts';
import { EvidenceStore } from '../../evidence/evidence-store.ts';
import { inMemory, seal } from '../../evidence/testing/stores.ts';
import type { MachineFigures } from '../../health/machine-figures.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { silentLog } from '../../kernel/log/log.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { milliseconds } from '../../kernel/units.ts';
import { unitConfig } from '../../testing/trust-files.ts';
import { alone, type UnitCloud } from '../cloud/unit-cloud.ts';
import type { UnitConfig } from './config.ts';
import { UnitHealth } from './health.ts';

const good: MachineFigures = { diskFreeBytes: 9e9, diskTotalBytes: 10e9, memoryUsedBytes: 1e9, memoryTotalBytes: 4e9 };

/** A unit in memory, whose machine, centre and configuration a test speaks for. */
class Place {
  readonly clock = new ManualClock(Date.parse('2026-03-01T12:00:00Z'));
  readonly files = new MemoryFiles();
  readonly offered: OutboxEvent[] = [];
  readonly notices: AtalayaError[] = [];
  figures: MachineFigures = good;
  reads = 0;
  ticks = 0;
  said = 0;
  checkpoints = 0;
  reported: Reported | undefined;
  offer: () => Promise<void> = async () => {};
  pipeline: () => NonNullable<Telemetry['pipeline']> = () => ({ framesProcessed: 7 });
  view: UnitCloud['view'] = alone.view;
  config = unitConfig('/data', { cloud: { broker: 'mqtt://127.0.0.1:9' } });
  readonly cloud: UnitCloud;
  #health: UnitHealth | undefined;

  constructor() {
    const place = this;
    this.cloud = {
      ...alone,
      get view() {
        return place.view;
      },
      offer: async (event) => {
        await this.offer();
        this.offered.push(event);
      },
      stateChanged: () => {
        this.said += 1;
      },
      checkpointed: () => {
        this.checkpoints += 1;
      },
    };
  }

  get health(): UnitHealth {
    if (this.#health === undefined) throw new Error('not open');
    return this.#health;
  }

  async open(t: ExecutionContext, store?: EvidenceStore): Promise<void> {
    const unitConfig = {
      tick: async () => {
        this.ticks += 1;
      },
      reported: () => this.reported,
    } as UnitConfig;
    const evidence = store ?? (await EvidenceStore.open('/evidence', inMemory(new MemoryFiles())));
    this.#health = await UnitHealth.open({
      config: () => this.config,
      unitConfig,
      store: evidence,
      machine: {
        read: async () => {
          this.reads += 1;
          return this.figures;
        },
      },
      files: this.files,
      clock: this.clock,
      timer: this.clock,
      log: silentLog,
      pipeline: () => this.pipeline(),
      notice: (fault) => this.notices.push(fault),
    });
    t.teardown(() => this.health.close());
  }

  async begin(t: ExecutionContext, store?: EvidenceStore): Promise<void> {
    await this.open(t, store);
    await this.health.begin(this.cloud);
    await this.pass(0);
  }

  /** Lets time pass, with a frame each second unless the camera is blind. */
  async pass(seconds: number, blind = false): Promise<void> {
    if (!blind) this.health.frame();
    for (let second = 0; second < seconds; second += 1) {
      await this.clock.advance(1000);
      if (!blind) this.health.frame();
    }
    await this.clock.advance(0);
  }

  get alerts(): string[] {
    return this.offered.flatMap(({ kind, data }) => {
      const { name, state } = data as unknown as Alert;
      return kind === 'alert' ? [`${name} ${state}`] : [];
    });
  }

  get telemetry(): Telemetry[] {
    return this.offered.flatMap(({ kind, data }) => (kind === 'telemetry' ? [data as unknown as Telemetry] : []));
  }
}

test('what goes wrong is an alert for the centre, and what is well again closes it', async (t) => {
  const place = new Place();
  await place.begin(t);
  await place.pass(10);
  t.deepEqual(place.alerts, []);
  t.is(place.health.report().status, 'good');
  await place.pass(130, true);
  t.deepEqual(place.alerts, ['camera-lost raised', 'camera-lost critical']);
  t.is(place.health.report().status, 'failed');
  await place.pass(30);
  t.is(place.alerts.at(-1), 'camera-lost closed');
  t.is(place.health.report().status, 'good');
});

test('every part of the unit has its alert: evidence, reader, broker, disk, configuration', async (t) => {
  const place = new Place();
  await place.begin(t);
  place.health.lost();
  place.health.plateReaderFailed('the network is gone');
  place.view = { ...alone.view, offlineSince: place.clock.monotonic(), offlineWhy: 'no route' };
  place.figures = { ...good, diskFreeBytes: 1e9 };
  place.reported = {
    at: '2026-03-01T12:00:00Z',
    outcome: 'rolled-back',
    version: 4,
    reasons: ['broker-not-reached: it was not'],
    inForce: { version: 3, sha256: 'a'.repeat(64) },
  };
  await place.pass(200);
  const raised = place.alerts.flatMap((one) => (one.endsWith(' closed') ? [] : [one.split(' ')[0] ?? '']));
  t.deepEqual([...new Set(raised)].toSorted(), [
    'broker-unreachable',
    'config-rolled-back',
    'disk-nearly-full',
    'evidence-refused',
    'plate-reader-failed',
  ]);
  t.true(
    place.alerts.includes('plate-reader-failed closed'),
    'a reader that has not broken down again for a minute works',
  );
});

test('a hit on a watch list is on its way when the call resolves, and names no plate', async (t) => {
  const place = new Place();
  await place.begin(t);
  await place.health.watchListHit('stolen', 'case-17');
  t.deepEqual(place.alerts, ['watch-list critical']);
  t.regex(JSON.stringify(place.offered), /stolen.*case-17/);
});

test('figures go at their rhythm, more often while diagnosed, and not at all where they are switched off', async (t) => {
  const place = new Place();
  await place.begin(t);
  await place.pass(600);
  // One a minute, and the first at once; the rhythm is that of looks two seconds apart.
  t.is(place.telemetry.length, 11);
  t.like(place.telemetry[0], { pipeline: { framesProcessed: 7 }, machine: good });

  const before = place.telemetry.length;
  place.health.diagnose(milliseconds(60_000), milliseconds(4000));
  await place.pass(60);
  const diagnosed = place.telemetry.length - before;
  t.true(diagnosed >= 14 && diagnosed <= 17, `${diagnosed}`);
  await place.pass(120);
  t.true(place.telemetry.length - before - diagnosed <= 3, 'for a while only');

  place.config = { ...place.config, flags: { ...place.config.flags, sendTelemetry: false } };
  const quiet = place.telemetry.length;
  await place.pass(300);
  t.is(place.telemetry.length, quiet);
  place.health.diagnose(milliseconds(20_000), milliseconds(4000));
  await place.pass(60);
  t.true(place.telemetry.length > quiet, 'a person who asks is answered');
});

test('figures say how many frames a second there were in the period, and a camera that is blind has none', async (t) => {
  const place = new Place();
  let frames = 0;
  place.pipeline = () => ({ framesProcessed: frames });
  await place.begin(t);
  t.is(place.telemetry[0]?.pipeline?.framesPerSecond, undefined, 'nobody knows at the first moment');
  const watch = async (seconds: number, each: number) => {
    for (let second = 0; second < seconds; second += 1) {
      frames += each;
      await place.pass(1);
    }
  };
  await watch(60, 15);
  const steady = place.telemetry.at(-1)?.pipeline?.framesPerSecond ?? Number.NaN;
  t.true(Math.abs(steady - 15) < 0.6, String(steady));
  await watch(124, 0);
  t.is(place.telemetry.at(-1)?.pipeline?.framesPerSecond, 0);
});

test('what was damaged and begun anew is an alert, which is over after a day', async (t) => {
  const place = new Place();
  const words = 'the memory of commands was damaged and begun anew: byte 7';
  place.view = { ...alone.view, setAside: [words] };
  await place.begin(t);
  await place.pass(4);
  t.deepEqual(place.alerts, ['store-set-aside raised']);
  t.like(place.offered.find(({ kind }) => kind === 'alert')?.data, { detail: words });
  t.regex(place.health.report().problems.join(), /memory of commands/);
  await place.clock.advance(24 * 3_600_000);
  await place.pass(4);
  t.true(place.alerts.includes('store-set-aside closed'), place.alerts.join());
});

test('the state is said again where something changed, and not with every figure', async (t) => {
  const place = new Place();
  await place.begin(t);
  await place.pass(60);
  t.is(place.said, 1, 'once at the beginning');
  place.figures = { ...good, diskFreeBytes: 1.2e9 };
  await place.pass(120);
  const saidOnce = place.said;
  t.true(saidOnce >= 2 && saidOnce <= 3, `the probe at once, the alert when it has lasted: ${saidOnce}`);
  for (let free = 1.2e9; free > 0.9e9; free -= 1e7) {
    place.figures = { ...good, diskFreeBytes: free };
    await place.pass(2);
  }
  t.is(place.said, saidOnce, 'another figure in the same words is nothing new');
  place.figures = good;
  await place.pass(200);
  t.true(place.said > saidOnce);
});

test('a new checkpoint is told once, and again after ten minutes without a cosignature', async (t) => {
  const place = new Place();
  const checkpoints = { entries: 1, time: milliseconds(1e9) };
  const store = await EvidenceStore.open('/evidence', inMemory(new MemoryFiles(), { checkpoints }));
  await place.begin(t, store);
  await place.pass(10);
  const before = place.checkpoints;
  await seal(store, 1);
  await place.pass(10);
  t.is(store.ledger.checkpointed?.size, 1);
  await place.pass(10);
  t.is(place.checkpoints, before + 1);
  await place.pass(570);
  t.is(place.checkpoints, before + 1);
  await place.pass(30);
  t.is(place.checkpoints, before + 2);
});

test('a centre that takes nothing and a disk that takes nothing are survived: what was not taken is offered again', async (t) => {
  const place = new Place();
  await place.begin(t);
  place.offer = async () => {
    throw new AtalayaError('store-full', 'no room');
  };
  await place.pass(150, true);
  t.deepEqual(
    place.offered.filter(({ kind }) => kind === 'alert'),
    [],
  );
  t.is(
    place.notices.filter(({ code }) => code === 'store-full').length,
    2,
    'told of alerts and of figures, and not with every look',
  );
  const { ticks } = place;
  place.files.plan = ({ kind }) => (kind === 'write' ? { code: 'EIO' } : undefined);
  place.offer = async () => {};
  await place.pass(20, true);
  t.deepEqual(place.alerts, ['camera-lost raised', 'camera-lost critical']);
  t.true(place.ticks > ticks);
});

test('a figure that cannot be had stops nothing: the trial of a configuration goes on', async (t) => {
  const place = new Place();
  await place.begin(t);
  place.pipeline = () => {
    throw new Error('no such figure');
  };
  const before = place.ticks;
  await place.pass(300);
  t.true(place.ticks - before >= 140, `${place.ticks - before}`);
  t.is(place.notices.length, 1);
});

test('a unit that has nobody to tell looks at nothing and writes nothing', async (t) => {
  const place = new Place();
  place.config = unitConfig('/data');
  await place.begin(t);
  const operations = place.files.operations;
  await place.pass(600, true);
  await place.health.watchListHit('stolen', 'case-17');
  t.deepEqual([place.reads, place.ticks, place.said, place.offered.length], [0, 0, 0, 0]);
  t.is(place.files.operations, operations);
  t.is(place.clock.sleeping, 0, 'nothing waits');
});

test('after its end nothing waits and nothing is told any more', async (t) => {
  const place = new Place();
  await place.begin(t);
  await place.pass(10);
  await place.health.close();
  await place.health.close();
  const { ticks } = place;
  await place.pass(100, true);
  t.is(place.ticks, ticks);
  t.is(place.clock.sleeping, 0);
});

test('over a socket: 200 while the unit does its work, 503 while it does not, and the metrics', async (t) => {
  const place = new Place();
  const listen = `127.0.0.1:${await freePort()}`;
  place.config = unitConfig('/data', { status: { listen } });
  await place.begin(t);
  const get = (path: string) => fetch(`http://${listen}${path}`);
  const well = await get('/healthz');
  t.is(well.status, 200);
  t.like(await well.json(), {
    status: 'good',
    unit: 'unit-7',
    probes: { camera: { state: 'good' }, disk: { state: 'good' } },
  });
  await place.pass(20, true);
  const ill = await get('/healthz');
  t.is(ill.status, 503);
  t.like(await ill.json(), { status: 'failed' });
  const metrics = await get('/metrics');
  t.is(metrics.status, 200);
  t.regex(await metrics.text(), /^atalaya_\w*frames\w*\S* 7$/m);

  const second = new Place();
  second.config = place.config;
  const error = await t.throwsAsync(second.begin(t), { instanceOf: AtalayaError });
  t.is(error?.message, `cannot listen on ${listen} for health and metrics: another program listens there`);
  await place.health.close();
  await t.throwsAsync(get('/healthz'));
});
