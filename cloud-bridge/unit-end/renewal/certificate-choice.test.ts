import test from 'ava';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { milliseconds, utcMilliseconds } from '../../../device/kernel/units.ts';
import { CertificateChoice, type GivenCertificate } from './certificate-choice.ts';

const given = (serial: string, until = 4e12): GivenCertificate => ({
  serial,
  until: utcMilliseconds(until),
  credentials: { cert: Buffer.from(serial) },
});
const refused = new AtalayaError('link-down', 'the broker does not know the authority of our certificate');

function choiceOf(proven: string | undefined, before: GivenCertificate | undefined) {
  const clock = new ManualClock();
  const at = { newest: given('02'), before, clock, remembered: [] as string[] };
  const choice = new CertificateChoice({
    newest: async () => at.newest,
    before: async () => at.before,
    proven,
    prove: (serial) => at.remembered.push(serial),
    clock,
  });
  const attempt = async (fault?: AtalayaError) => {
    const { cert } = await choice.next();
    if (fault !== undefined) choice.offline(fault);
    else choice.online();
    return cert?.toString();
  };
  return { ...at, at, choice, attempt };
}

test('a new certificate that the broker takes is used from then on, and the one before never again', async (t) => {
  const { choice, attempt, remembered } = choiceOf(undefined, given('01'));
  t.is(await attempt(), '02');
  t.is(choice.session, '02');
  t.is(choice.problem, undefined);
  t.deepEqual(remembered, ['02']);
  for (let i = 0; i < 20; i += 1)
    t.is(await attempt(refused), '02', 'also when it is refused later: it may have been revoked');
  t.is(choice.session, undefined);
  const later = choiceOf('02', given('01'));
  for (let i = 0; i < 20; i += 1) t.is(await later.attempt(refused), '02', 'and after a start');
});

test('where the broker does not take it, the one before is tried in turns, and the new one again every hour', async (t) => {
  const { choice, attempt, clock, at, remembered } = choiceOf('01', given('01'));
  const tried = [];
  for (let i = 0; i < 6; i += 1) tried.push(await attempt(refused));
  t.deepEqual(tried, ['02', '02', '02', '01', '02', '01']);
  t.is(await attempt(refused), '02');
  t.is(await attempt(), '01');
  t.is(choice.session, '01');
  t.regex(choice.problem ?? '', /the one before it is used: the broker does not know the authority/);
  t.deepEqual(remembered, []);
  t.false(choice.isToTryAgain);
  await clock.advance(milliseconds(3_600_000));
  t.true(choice.isToTryAgain);
  choice.offline(undefined);
  t.false(choice.isToTryAgain, 'it is left once');
  t.is(await attempt(), '02', 'the broker was given the authority meanwhile');
  t.is(choice.problem, undefined);
  t.deepEqual(remembered, ['02']);
  at.newest = given('03');
  for (let i = 0; i < 3; i += 1) t.is(await attempt(refused), '03');
});

test('one that has expired, or is not there, is not tried', async (t) => {
  for (const before of [undefined, given('01', 1)]) {
    const { attempt } = choiceOf(undefined, before);
    for (let i = 0; i < 10; i += 1) t.is(await attempt(refused), '02');
  }
});
