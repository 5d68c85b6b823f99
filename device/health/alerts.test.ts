import test from 'ava';
import fc from 'fast-check';
import { type Alert, alert } from '../../cloud-bridge/contract/events.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { alertNames, alertRules } from './alert-rules.ts';
import { type HealthFacts, usualLimits } from './health-facts.ts';
import { type AlertState, judgeAlerts, noAlerts } from './judge-alerts.ts';

const start = Date.UTC(2026, 2, 1, 12);

/** A unit of which a test tells the facts, second after second. */
class Trial {
  state: AlertState = noAlerts;
  now = 0;

  /** `name state` of each change. */
  look(facts: HealthFacts, after = 0): string[] {
    return this.changes(facts, after).map(({ name, state }) => `${name} ${state}`);
  }

  changes(facts: HealthFacts, after = 0): readonly Alert[] {
    this.now += after * 1000;
    const at = { unit: 'u-1', utc: utcMilliseconds(start + this.now), monotonic: milliseconds(this.now) };
    const { state, changes } = judgeAlerts(this.state, facts, usualLimits, at);
    this.state = state;
    for (const change of changes) alert.parse(change);
    return changes;
  }

  get open(): string[] {
    return [...this.state.open.values()].map(({ name, state }) => `${name} ${state}`);
  }
}

const disk = (used: number): HealthFacts => ({ disk: { freeBytes: (1 - used) * 1e9, totalBytes: 1e9 } });
const silent = (seconds: number): HealthFacts => ({ camera: { silent: milliseconds(seconds * 1000) } });

test('an alert is raised, becomes critical, becomes less and is closed, under one id', (t) => {
  const unit = new Trial();
  const seen: Alert[] = [];
  for (const used of [0.5, 0.86, 0.86, 0.96, 0.96, 0.9, 0.9, 0.9, 0.7, 0.7, 0.7])
    seen.push(...unit.changes(disk(used), 30));
  t.deepEqual(
    seen.map(({ state, since }) => [state, since.slice(14, 19)]),
    [
      ['raised', '01:30'],
      ['critical', '02:30'],
      ['raised', '04:00'],
      ['closed', '05:30'],
    ],
  );
  t.is(new Set(seen.map(({ id }) => id)).size, 1);
  t.regex(seen[0]?.id ?? '', /^disk-nearly-full-[0-9a-f]{20}$/);
  t.is(seen[0]?.detail, '86 % of the disk is in use, 0.1 GB are free');
  t.is(seen[3]?.detail, 'over: 90 % of the disk is in use, 0.1 GB are free');
  t.deepEqual(unit.open, []);
});

test('an open alert says how it is now, and its beginning stays what it was', (t) => {
  const unit = new Trial();
  const now = () => [...unit.state.open.values()].map(({ detail, now, since }) => [detail, now, since.slice(14, 19)]);
  unit.look(silent(20));
  t.deepEqual(now(), [['no frame for 20 s', 'no frame for 20 s', '00:00']]);
  t.deepEqual(unit.look(silent(50), 30), [], 'nothing is sent for it');
  t.deepEqual(now(), [['no frame for 20 s', 'no frame for 50 s', '00:00']]);
  unit.look(silent(0), 2);
  t.deepEqual(now(), [['no frame for 20 s', 'no frame for 50 s', '00:00']], 'as long as it held');
  unit.look(silent(125), 120);
  t.deepEqual(now(), [['no frame for 2 min', 'no frame for 2 min', '02:32']]);
});

test('what swings about the limit raises one alert, and what passes raises none', (t) => {
  const unit = new Trial();
  let changes = 0;
  for (let i = 0; i < 200; i += 1) changes += unit.look(disk(i % 2 === 0 ? 0.86 : 0.83), 40).length;
  t.is(changes, 0, 'never long enough above it');
  unit.look(disk(0.86), 40);
  t.deepEqual(unit.look(disk(0.86), 40), ['disk-nearly-full raised']);
  for (let i = 0; i < 200; i += 1) changes += unit.look(disk(i % 2 === 0 ? 0.86 : 0.81), 90).length;
  t.is(changes, 0, 'between the limits it stays');
});

test('what is not known opens nothing and closes nothing', (t) => {
  const unit = new Trial();
  t.deepEqual(unit.look(silent(11)), ['camera-lost raised']);
  t.deepEqual(unit.look({}, 1000), []);
  t.deepEqual(unit.open, ['camera-lost raised']);
  t.deepEqual(unit.look(silent(130), 1), ['camera-lost critical']);
  t.deepEqual(unit.look(silent(0), 1), []);
  t.deepEqual(unit.look(silent(0), 10), ['camera-lost closed']);
});

/** Asked for since so many days, of a hundred. */
function renewal(more: Partial<NonNullable<HealthFacts['renewal']>>, days = 0): HealthFacts {
  const at = (day: number) => utcMilliseconds(start + (day - days) * 86_400_000);
  const asked = { due: at(0), until: at(100), isAsked: true, refused: undefined, problem: undefined };
  return { renewal: { ...asked, ...more } };
}

test('a renewal has its time, and what was refused is no matter once it is not asked for', (t) => {
  const unit = new Trial();
  t.deepEqual(unit.look(renewal({}, 24)), []);
  t.deepEqual(unit.look(renewal({}, 26)), ['certificate-renewal raised']);
  t.deepEqual(unit.look(renewal({ isAsked: false, refused: 'older' }, 26)), ['certificate-renewal closed']);
});

/** Facts that are bad, and the change that they bring when they last. */
const bad: readonly (readonly [HealthFacts, number, string])[] = [
  [silent(11), 0, 'camera-lost raised'],
  [silent(121), 0, 'camera-lost critical'],
  [{ detector: { fault: 'the model is gone' } }, 0, 'detector-failed critical'],
  [{ evidence: { refused: 2 } }, 0, 'evidence-refused raised'],
  [{ evidence: { refused: 0, fault: 'the disk is full' } }, 0, 'evidence-refused critical'],
  [disk(0.85), 30, 'disk-nearly-full raised'],
  [disk(0.95), 30, 'disk-nearly-full critical'],
  [{ memory: { usedBytes: 91, totalBytes: 100 } }, 60, 'memory-high raised'],
  [{ temperatureC: 79 }, 30, 'temperature-high raised'],
  [{ temperatureC: 90 }, 30, 'temperature-high critical'],
  [{ throttled: true }, 30, 'throttled raised'],
  [{ underVoltage: true }, 5, 'power-low raised'],
  [{ clock: { dated: true, synchronised: false } }, 120, 'clock-unreliable raised'],
  [{ clock: { dated: false, synchronised: false } }, 120, 'clock-unreliable critical'],
  [{ broker: { offline: milliseconds(121_000) } }, 0, 'broker-unreachable raised'],
  [{ broker: { offline: milliseconds(3 * 86_400_000) } }, 0, 'broker-unreachable critical'],
  [
    { certificates: [{ name: 'the unit', expires: utcMilliseconds(start + 29 * 86_400_000) }] },
    0,
    'certificate-expiring raised',
  ],
  [
    { certificates: [{ name: 'the list', expires: utcMilliseconds(start + 6 * 86_400_000) }] },
    0,
    'certificate-expiring critical',
  ],
  [renewal({}, 26), 0, 'certificate-renewal raised'],
  [renewal({ refused: 'other-key: it is another unit' }), 0, 'certificate-renewal raised'],
  [renewal({ isAsked: false, problem: 'the broker does not take it' }), 0, 'certificate-renewal raised'],
  [{ configuration: { rolledBack: { version: 7, reason: 'no link' } } }, 0, 'config-rolled-back raised'],
  [{ setAside: ['the queue of figures was damaged'] }, 0, 'store-set-aside raised'],
  [{ cameraPlace: { moved: true, shiftPx: 7.31, says: 'moved' } }, 0, 'camera-moved critical'],
  [{ housing: { door: true, tamper: false } }, 0, 'housing-open raised'],
  [{ housing: { door: undefined, tamper: true } }, 0, 'tampered critical'],
  [{ plateReader: { fault: 'no model' } }, 0, 'plate-reader-failed raised'],
  [{ degraded: [{ measure: 'plates-not-read', says: 'no plate is looked at: heat' }] }, 0, 'degraded raised'],
  [{ watchList: [{ list: 'stolen', entry: 'case-1' }] }, 0, 'watch-list critical'],
];

test('each bad state has its alert when it lasts, not before, and each name is reached', (t) => {
  for (const [facts, lasting, change] of bad) {
    const unit = new Trial();
    if (lasting > 0) {
      t.deepEqual(unit.look(facts), [], change);
      t.deepEqual(unit.look(facts, lasting - 1), [], change);
    }
    t.deepEqual(unit.look(facts, 1), [change]);
    t.deepEqual(unit.look(facts, 1), [], 'once');
  }
  const reached = new Set(bad.map(([, , change]) => change.split(' ')[0]));
  t.deepEqual([...reached].sort(), [...alertNames].sort());
});

const good: HealthFacts = {
  camera: { silent: milliseconds(30) },
  disk: { freeBytes: 9e9, totalBytes: 1e10 },
  memory: { usedBytes: 1, totalBytes: 10 },
  temperatureC: 50,
  throttled: false,
  underVoltage: false,
  clock: { dated: true, synchronised: true },
  evidence: { refused: 0 },
  detector: { fault: null },
  plateReader: { fault: null },
  broker: {},
  configuration: {},
  certificates: [{ name: 'the unit', expires: utcMilliseconds(start + 300 * 86_400_000) }],
  ...renewal({ isAsked: false }),
  setAside: [],
  cameraPlace: { moved: false, shiftPx: 0.4, says: 'it stands' },
  housing: { door: false, tamper: false },
  degraded: [],
  watchList: [],
};

test('a good unit has no alert, and every alert is closed when all is good again', (t) => {
  for (const [facts, lasting] of bad) {
    const unit = new Trial();
    t.deepEqual(unit.look(good), []);
    unit.look(facts, 1);
    unit.look(facts, lasting);
    const [open = ''] = unit.open;
    const calm = { ...good, evidence: { refused: facts.evidence?.refused ?? 0 } };
    const changes = [...unit.look(calm, 1), ...unit.look(calm, 3600)];
    t.deepEqual(changes, [`${open.split(' ')[0]} closed`]);
    t.deepEqual(unit.open, []);
  }
});

test('refusals that go on keep their alert, and a later one raises another', (t) => {
  const unit = new Trial();
  t.deepEqual(unit.look({ evidence: { refused: 1 } }), ['evidence-refused raised']);
  unit.look({ evidence: { refused: 1 } }, 3000);
  unit.look({ evidence: { refused: 2 } }, 1);
  t.deepEqual(unit.look({ evidence: { refused: 2 } }, 3000), []);
  t.deepEqual(unit.look({ evidence: { refused: 2 } }, 3600), ['evidence-refused closed']);
  t.deepEqual(unit.look({ evidence: { refused: 3 } }, 1), ['evidence-refused raised']);
});

test('two entries of a list are two alerts, each closed ten minutes after its last hit', (t) => {
  const unit = new Trial();
  const hit = (entry: string) => ({ list: 'stolen', entry });
  t.deepEqual(unit.look({ watchList: [hit('a'), hit('b'), hit('a')] }), ['watch-list critical', 'watch-list critical']);
  t.deepEqual(unit.look({ watchList: [hit('b')] }, 300), []);
  t.deepEqual(unit.look({ watchList: [] }, 200), []);
  t.deepEqual(unit.look({ watchList: [] }, 400), ['watch-list closed']);
  t.deepEqual(unit.look({ watchList: [] }, 201), ['watch-list closed']);
});

test('words of others are bounded, and a source tells no password', (t) => {
  const unit = new Trial();
  const detail = `cannot open rtsp://admin:secret@10.0.0.9/1 ${'x'.repeat(5000)}`;
  for (const facts of [{ camera: { silent: milliseconds(20_000), detail } }, { detector: { fault: detail } }]) {
    const [change] = unit.changes(facts);
    t.false(change?.detail.includes('secret'));
    t.true((change?.detail.length ?? 9999) < 400 && change?.detail.includes('rtsp://10.0.0.9/1') === true);
  }
});

test('whatever the facts: ids are kept from raised to closed, no state twice in a row, and the same again gives the same', (t) => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const facts = fc.record(
    {
      camera: fc.record({ silent: fc.nat(200_000).map(milliseconds) }),
      disk: share.map((used) => ({ freeBytes: 1 - used, totalBytes: 1 })),
      temperatureC: fc.integer({ min: 20, max: 110 }),
      throttled: fc.boolean(),
      evidence: fc.record({ refused: fc.nat(3) }),
      broker: fc.record({ offline: fc.nat(400_000).map(milliseconds) }),
      watchList: fc.array(fc.record({ list: fc.constant('l'), entry: fc.constantFrom('a', 'b') }), { maxLength: 3 }),
      certificates: fc.array(
        fc.record({
          name: fc.constantFrom('c', 'd'),
          expires: fc.nat(90).map((d) => utcMilliseconds(start + d * 86_400_000)),
        }),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(facts, fc.nat(400)), { maxLength: 40 }), (looks) => {
      const [one, two] = [new Trial(), new Trial()];
      const last = new Map<string, string>();
      for (const [look, after] of looks) {
        const changes = one.changes(look, after);
        t.deepEqual(two.changes(look, after), changes);
        for (const { id, state } of changes) {
          const before = last.get(id) ?? 'closed';
          if (before === state) return false;
          if (state === 'closed') last.delete(id);
          else last.set(id, state);
        }
        if (last.size !== one.state.open.size) return false;
      }
      return true;
    }),
    { numRuns: 300 },
  );
});

test('each rule is left at a lower value than it is entered', (t) => {
  for (const band of [usualLimits.disk, usualLimits.memory, usualLimits.temperature]) {
    t.true(band.close < band.raise && band.raise < band.criticalClose && band.criticalClose < band.critical);
  }
  for (const name of alertNames) t.true(alertRules[name].patience >= 0 && alertRules[name].relief >= 0);
});
