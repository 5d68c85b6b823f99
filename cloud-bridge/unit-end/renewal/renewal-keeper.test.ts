import { setImmediate as nextTurn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { renewalTime, shareOf } from '../../../provisioning/enrol/renewal.ts';
import { LinkingFiles } from '../../../provisioning/testing/linking-files.ts';
import { day, madeAuthority, testTools } from '../../../provisioning/testing/made-authority.ts';
import { grantFor, madeUnit, unitFolder } from '../../../provisioning/testing/made-unit.ts';
import type { CertificateReport, GrantAnswer } from '../../contract/certificate.ts';
import { encodeMessage } from '../../contract/message.ts';
import type { RenewableIdentity } from './renewable-identity.ts';
import { RenewalKeeper } from './renewal-keeper.ts';

const now = Date.now();

/** A unit whose certificate is due, its authority, and its keeper at work; looks happen when they are asked for. */
async function place(t: ExecutionContext, around: (identity: RenewableIdentity) => RenewableIdentity = (one) => one) {
  const clock = new ManualClock(now);
  const authority = await madeAuthority('/ca', testTools(clock, new LinkingFiles()));
  const files = new LinkingFiles();
  const unit = madeUnit(files, { clock });
  await unit.install(JSON.stringify(await grantFor(authority, await unit.signingRequest())));
  clock.setUtc(now + 300 * day);
  const said: CertificateReport[] = [];
  const answers: GrantAnswer[] = [];
  const faults: AtalayaError[] = [];
  const replaced: string[] = [];
  const start = () => {
    const keeper = new RenewalKeeper({
      identity: around(unit),
      clock,
      // Nothing but what is asked for wakes it.
      timer: {
        sleep: (_, signal) =>
          new Promise((resolve) => {
            if (signal?.aborted === true) return resolve();
            signal?.addEventListener('abort', () => resolve(), { once: true });
            return undefined;
          }),
      },
      session: () => ({ serial: undefined, problem: undefined }),
      changed: () => {
        if (keeper.report !== undefined) said.push(keeper.report);
      },
      answered: (answer) => answers.push(answer),
      replaced: ({ enrolled }) => replaced.push(enrolled.certificate),
      notice: (fault) => faults.push(fault),
    });
    const stop = new AbortController();
    let beats = 0;
    const running = keeper.run(stop.signal, () => {
      beats += 1;
    });
    const looked = async (ask: () => void) => {
      const before = beats;
      ask();
      while (beats === before) await nextTurn();
    };
    const end = async () => {
      stop.abort();
      await running;
    };
    t.teardown(end);
    return { keeper, looked, end };
  };
  const inForce = async () => (await unit.certificate())?.enrolled;
  const content = () => files.list(`${unitFolder}/generations`);
  const first = start();
  await first.looked(() => {});
  return { ...{ clock, authority, unit, said, answers, faults, replaced, start, inForce, content }, ...first };
}

/** Subject and key: what stands in a request before its signature. */
function signedPart(csr = ''): string {
  const der = Buffer.from(csr.replace(/-----[^-]+-----/g, ''), 'base64');
  const at = der.indexOf(Buffer.from([0x30, 0x81]), 1);
  return der.subarray(at, at + 3 + (der[at + 2] ?? 0)).toString('hex');
}

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

test('it asks when two thirds are over, with one key until that is granted, over restarts too; then it is quiet', async (t) => {
  const at = await place(t);
  t.is(at.said.length, 1);
  t.like(at.said[0], { age: 'due' });
  const csr = at.said[0]?.request?.csr;
  t.notThrows(() => encodeMessage('certificate', at.said[0] as CertificateReport), 'it is what the contract has');
  await at.looked(() => at.keeper.look());
  t.is(at.said.length, 1, 'what says the same is not said again');
  await at.clock.advance((7 * 3_600_000) as never);
  await at.looked(() => at.keeper.look());
  t.is(at.said.length, 2, 'but now and then, while nobody answers');
  await at.end();
  const again = at.start();
  await again.looked(() => {});
  t.is(signedPart(at.said[2]?.request?.csr), signedPart(csr), 'the same key after a start');

  const enrolled = await at.inForce();
  const grant = await grantFor(at.authority, at.said[2]?.request?.csr ?? '', {
    enrolled: enrolled as never,
    renews: true,
  });
  await again.looked(() => again.keeper.offer(bytes(grant)));
  t.like(at.answers, [{ outcome: 'installed' }]);
  t.like(again.keeper.report, { age: 'not-due', answer: { outcome: 'installed' } });
  t.is(again.keeper.report?.request, undefined);
  t.deepEqual(at.replaced, [(await at.inForce())?.certificate]);
  t.not(at.replaced[0], enrolled?.certificate);
  await again.looked(() => again.keeper.offer(bytes(grant)));
  t.is(at.answers.length, 1, 'what comes again is not judged again');
  t.is(at.replaced.length, 1);
  await again.end();
  const third = at.start();
  await third.looked(() => third.keeper.offer(bytes(grant)));
  t.like(at.answers[1], { outcome: 'installed' }, 'and after a start it is answered as before');
  t.is(at.replaced.length, 1, 'with nothing done');
});

test('what is no renewal of this unit is refused with its reason, and nothing is changed', async (t) => {
  const at = await place(t);
  const enrolled = (await at.inForce()) as NonNullable<Awaited<ReturnType<typeof at.inForce>>>;
  const csr = at.said[0]?.request?.csr ?? '';
  const good = await grantFor(at.authority, csr, { enrolled, renews: true });
  const stranger = madeUnit(new LinkingFiles());
  const other = await madeAuthority('/other', testTools(at.clock, new LinkingFiles()), 'Another fleet');
  const cases: readonly (readonly [string, string | object, string, RegExp])[] = [
    [
      'another unit',
      await grantFor(at.authority, await stranger.signingRequest(), { unit: 'south-1' }),
      'other-key',
      /another unit's/,
    ],
    ['a wrong root', await grantFor(other, csr, { enrolled, renews: true }), 'untrusted', /is of the authority/],
    ['altered', { ...good, version: good.version + 7 }, 'not-signed', /not signed by the authority/],
    [
      'more than a renewal',
      await grantFor(at.authority, csr, { enrolled, renews: true, parts: { site: 'x' } }),
      'malformed',
      /site: is no field/,
    ],
    ['garbage', '{"schema":', 'malformed', /cannot be read/],
    ['nothing of it', '[]', 'malformed', /renews and nothing else/],
    ['2 MB', 'x'.repeat(2e6), 'malformed', /has 2000000 bytes/],
  ];
  const before = await at.content();
  for (const [what, grant, reason, detail] of cases) {
    await at.looked(() => at.keeper.offer(bytes(grant)));
    const answer = at.answers.at(-1);
    t.like(answer, { outcome: 'refused', reason }, what);
    t.regex(answer?.detail ?? '', detail, what);
    t.like(at.keeper.report, { answer: { reason }, request: { csr } }, `${what}: it is told, and the unit asks on`);
    t.regex(at.keeper.standing?.refused ?? '', detail);
    t.notThrows(() => encodeMessage('certificate', at.keeper.report as CertificateReport), what);
  }
  t.deepEqual(await at.content(), before);
  t.deepEqual(await at.inForce(), enrolled);
  t.deepEqual(at.replaced, []);

  await at.looked(() => at.keeper.offer(bytes(good)));
  t.like(at.answers.at(-1), { outcome: 'installed' }, 'and the good one is taken after all of them');
  // A replay: of an older one, after a newer one.
  at.clock.setUtc(now + 600 * day);
  await at.looked(() => at.keeper.look());
  const next = await grantFor(at.authority, at.keeper.report?.request?.csr ?? '', {
    enrolled: (await at.inForce()) as never,
    renews: true,
  });
  await at.looked(() => at.keeper.offer(bytes(next)));
  await at.looked(() => at.keeper.offer(bytes(good)));
  t.like(at.answers.at(-1), { outcome: 'refused', reason: 'other-key' }, 'its key is gone with it');
  t.is(at.replaced.length, 2);
});

test('whoever sends grants without end has a few judged, and no loop', async (t) => {
  const at = await place(t);
  for (let i = 0; i < 60; i += 1) await at.looked(() => at.keeper.offer(bytes(`{"n":${i}}`)));
  t.is(at.answers.length, 20);
  await at.clock.advance(3_600_000 as never);
  await at.looked(() => at.keeper.look());
  t.is(at.answers.length, 21, 'the newest of the others is judged when its time has come');
});

test('a fault of the disk is no answer: it is told once, and the grant is tried again', async (t) => {
  let full = true;
  const at = await place(t, (identity) => ({
    certificate: () => identity.certificate(),
    renewalRequest: () => identity.renewalRequest(),
    install: (grant) => {
      if (full) throw new AtalayaError('store-full', 'no space left');
      return identity.install(grant);
    },
  }));
  const grant = await grantFor(at.authority, at.said[0]?.request?.csr ?? '', {
    enrolled: (await at.inForce()) as never,
    renews: true,
  });
  await at.looked(() => at.keeper.offer(bytes(grant)));
  await at.looked(() => at.keeper.look());
  t.deepEqual(
    at.faults.map(({ code }) => code),
    ['store-full'],
  );
  t.deepEqual(at.answers, []);
  full = false;
  await at.looked(() => at.keeper.look());
  t.like(at.answers, [{ outcome: 'installed' }]);
});

test('the units of a fleet ask within a twentieth of the life, each at its own time', (t) => {
  const life = { from: 0, until: 365 * day } as never;
  const times = Array.from({ length: 1000 }, (_, i) => renewalTime(life, shareOf(`unit-${i}`)) / day);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  t.true(first >= 243.3 && last < 243.4 + 18.25, `${first} to ${last}`);
  const perDay = new Map<number, number>();
  for (const time of times) perDay.set(Math.floor(time), (perDay.get(Math.floor(time)) ?? 0) + 1);
  t.true(Math.max(...perDay.values()) < 100, 'of a thousand fewer than a hundred on one day');
});
