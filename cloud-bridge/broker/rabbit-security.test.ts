import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makePki } from '../testing/make-pki.ts';
import { type SecuritySetup, securityContract, securityNames } from '../testing/security-contract.ts';
import { startRabbit } from '../testing/start-rabbit.ts';

let setup: SecuritySetup | undefined;
let folder: string | undefined;

test.before(async (t) => {
  t.timeout(120_000);
  folder = await mkdtemp(join(tmpdir(), 'atalaya-pki-'));
  const pki = await makePki(folder);
  const broker = await startRabbit({ pki, ...securityNames });
  if (broker !== undefined) setup = { broker, pki, protocol: 'auto', throwsOff: true, forbiddenSubscribe: 'ends' };
});
test.after.always(async () => {
  await setup?.broker.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

securityContract(test, 'RabbitMQ', () => setup);
