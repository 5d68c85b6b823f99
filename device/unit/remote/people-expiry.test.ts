import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { signerOf } from '../../../cloud-bridge/contract/person-key.ts';
import type { AtalayaError } from '../../kernel/errors.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { signDocument } from '../../kernel/signed/sign-document.ts';
import { makeTrustFiles, unitConfig } from '../../testing/trust-files.ts';
import { openUnitConfig } from './config.ts';
import { UnitRemote } from './unit-remote.ts';

const begin = Date.parse('2026-03-01T12:00:00Z');

test('a trust document that expires, or seems to by a clock that is wrong, trusts nobody and keeps no unit from working', async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'unit-people-expiry-'));
  t.teardown(() => rm(data, { recursive: true, force: true }));
  const { cloud, root, supervisor } = await makeTrustFiles(data);
  const { signature: _, ...body } = JSON.parse(await readFile(cloud.trust, 'utf8'));
  const document = { ...body, version: 2, expires: '2026-03-01T13:00:00Z' };
  await writeFile(cloud.trust, JSON.stringify(await signDocument(document, signerOf(root.privatePem))));
  const config = unitConfig(data, { cloud });
  const clock = new ManualClock(begin);

  const running = await openUnitConfig(config, undefined, clock);
  t.is(running.people?.person(supervisor.id)?.name, 'Ana');
  await clock.advance(3_600_000);
  t.is(running.people?.person(supervisor.id), undefined, 'while it runs');
  await running.close();

  const faults: AtalayaError[] = [];
  const remote = await UnitRemote.open(config, undefined, clock, (fault) => faults.push(fault));
  await remote.close();
  t.deepEqual(
    faults.map(({ message }) => message),
    ['the trust document expired at 2026-03-01T13:00:00.000Z: nobody may configure or command this unit'],
  );

  const started = await openUnitConfig(config, undefined, clock);
  t.is(started.people?.keys.size, 0);
  clock.setUtc(begin);
  t.is(started.people?.person(supervisor.id)?.name, 'Ana', 'the clock was put right');
  await started.close();
});
