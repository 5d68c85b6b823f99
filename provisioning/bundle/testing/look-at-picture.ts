import '../../../device/kernel/quiet-libraries.ts';
// Whoever loads @peculiar/x509 loads this first.
import 'reflect-metadata';

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readPicture } from '../../../device/capture/read-picture.ts';
import { defaultConfig } from '../../../device/config/load-config.ts';
import { EvidenceStore } from '../../../device/evidence/evidence-store.ts';
import { FileKeystore } from '../../../device/evidence/keystore/file-keystore.ts';
import { createIdentity } from '../../../device/evidence/sealing/identity.ts';
import { contextAt, framesAround, infractionAt, timeOf } from '../../../device/evidence/testing/fixtures.ts';
import { parseKey } from '../../../device/evidence/verify/keys.ts';
import { verifyStore } from '../../../device/evidence/verify/verify-store.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { readClockDiscipline } from '../../../device/kernel/linux/clock-state.ts';
import { Libc } from '../../../device/kernel/linux/libc.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { readDefaults } from '../../../device/plate/crop-reader.ts';
import { cropVehicle } from '../../../device/plate/crop-vehicle.ts';
import { loadFormats } from '../../../device/plate/formats/format.ts';
import { WorkerPlateReader } from '../../../device/plate/worker-plate-reader.ts';
import { openDetector } from '../../../device/unit/detector.ts';
import { noComponents } from '../../../device/unit/updates/components.ts';
import { bundleFolder } from '../../../models/contract/places.ts';
import type { Look } from './look.ts';

/**
 * What the native parts of a unit do with one picture, as JSON: `look-at-picture.ts --picture FILE --formats ID --packages NAME,NAME`. It is run beside a bundle for
 * arm64 on the emulator, and in the sources on this machine. A plate's text is in the answer as a hash only.
 */

const { values } = parseArgs({
  options: { picture: { type: 'string' }, formats: { type: 'string' }, packages: { type: 'string' } },
});
const { picture: path = '', formats = '', packages = '' } = values;
const long = milliseconds(300_000);
const times: [string, number][] = [];

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const from = performance.now();
  const done = await work();
  times.push([what, performance.now() - from]);
  return done;
}

const picture = await timed('picture decoded', () => readPicture(path));
const config = defaultConfig();
const patient = { ...config.detector, deadlineS: 300 };
const detector = await timed('detector opened', () =>
  openDetector({ detector: patient }, { regions: 'auto' }, noComponents),
);
const frame = { sequence: 0, time: timeOf(0), picture, original: undefined };
const detections = await timed('vehicles found', () => detector.detect(frame));
await detector.close();
const { plates } = config;
const options = { threads: 2, formats: await loadFormats([formats]), settings: readDefaults };
const models = { finder: bundleFolder(plates.finder), readers: plates.readers.map(bundleFolder) };
const reader = await timed('plate reader opened', () => WorkerPlateReader.open({ ...options, ...models }, long));
// Emulated, a large crop takes half a minute: one is enough.
const nearest = detections.filter((one) => one.class === 'car').sort((a, b) => b.box.height - a.box.height)[0];
const read = await timed('plate read', async () => {
  const crop = nearest === undefined ? undefined : cropVehicle(picture, nearest.box, []);
  const sight = crop === undefined ? undefined : await reader.read(crop);
  return sight?.read === undefined ? null : sha256(sight.read.text);
});
await reader.close();

const folder = await mkdtemp(join(tmpdir(), 'atalaya-look-'));
const sealed = await timed('record sealed and verified', async () => {
  try {
    const { recipient } = await createIdentity();
    const recipients = { authority: [recipient], operators: [] };
    const keystore = await FileKeystore.openOrCreate(join(folder, 'key.pem'));
    const evidence = join(folder, 'evidence');
    const who = { unit: 'unit-1', boot: 'boot-1', clock: systemClock, keystore, recipients };
    const store = await EvidenceStore.open(evidence, who);
    await store.seal(infractionAt(170), framesAround(170), contextAt(170));
    await store.close();
    const key = parseKey(await readFile(join(evidence, 'public/unit.pem'), 'utf8'));
    const { findings, counts } = await verifyStore(evidence, { key });
    return { evidence: counts.evidence, failures: findings.filter(({ severity }) => severity === 'failure').length };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const unloadable = await timed('packages loaded', async () => {
  const failed: string[] = [];
  for (const name of packages.split(',')) await import(name).catch(() => failed.push(name));
  return failed;
});

const look: Look = {
  cpu: process.arch,
  node: process.version,
  engine: detector.engine,
  model: detector.model.id,
  pixels: sha256(new Uint8Array(picture.data)),
  detections,
  plate: read,
  sealed,
  unloadable,
  clock: readClockDiscipline(Libc.open()).synchronised,
  times,
};
process.stdout.write(`${JSON.stringify(look)}\n`);
