import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makePki } from '../testing/make-pki.ts';
import { type SecuritySetup, securityContract, securityNames } from '../testing/security-contract.ts';
import { startMosquitto } from '../testing/start-mosquitto.ts';

const setups = new Map<string, SecuritySetup>();
let folder: string | undefined;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atalaya-pki-'));
  for (const protocol of ['5', '3.1.1'] as const) {
    const pki = await makePki(join(folder, protocol));
    const broker = await startMosquitto({ pki, bridges: securityNames.bridges });
    if (broker !== undefined)
      setups.set(protocol, { broker, pki, protocol, throwsOff: false, forbiddenSubscribe: 'silent' });
  }
});
test.after.always(async () => {
  for (const { broker } of setups.values()) await broker.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

for (const protocol of ['5', '3.1.1'] as const)
  securityContract(test, `Mosquitto, MQTT ${protocol}`, () => setups.get(protocol));
