import { generateKeyPairSync, sign } from 'node:crypto';
import test from 'ava';
import { keyId } from '../../device/kernel/signed/key-id.ts';
import {
  type CalibrationCertificate,
  certificateSchema,
  checkCertificate,
  readCertificate,
  sceneDigest,
  signCertificate,
} from './certificate.ts';
import { compareDrives } from './compare-drives.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer = { id: keyId(publicKey), sign: async (bytes: Uint8Array) => sign(null, bytes, privateKey) };
const keys = new Map([[signer.id, publicKey]]);

const scene = (more = '') =>
  `name: a\n# a comment\npicture: { width: 640, height: 360 }\ncalibration:\n${more}  pixelError: 1\n  points: []\n`;
const block = '  certificate: { number: K 7/26, issuer: an office, issued: 2026-05-04, expires: 2027-05-03 }\n';

const drives = compareDrives(
  [50, 60, 70].map((kmh) => ({
    name: `${kmh}`,
    lane: 'A1',
    referenceKmh: kmh,
    referenceU: 0.1,
    measuredKmh: kmh + 0.3,
    measuredU: 0.5,
  })),
  [],
);

const certificate: CalibrationCertificate = {
  schema: certificateSchema,
  number: 'K 7/26',
  issuer: 'an office',
  technician: 'A. Ruiz',
  unit: 'north-1',
  site: 'High Street, northbound',
  issued: '2026-05-04',
  expires: '2027-05-03',
  scene: { name: 'a', sha256: sceneDigest(scene()) },
  picture: { width: 640, height: 360 },
  surveyed: '2026-05-04',
  points: [1, 2, 3, 4].map((i) => ({ image: { x: i, y: i * i }, road: { x: i, y: 2 * i }, missPx: 0.1, missM: 0.01 })),
  pixelError: 1,
  roadErrorM: 0.02,
  scaleError: 0.001,
  misfit: 0.9,
  lens: { k1: -0.1, k2: 0, deviations: [[0.002, 0]] },
  check: {
    ...drives,
    says: [...drives.says],
    drives: drives.drives.map((one) => ({ ...one })),
    lanes: drives.lanes.map((one) => ({ ...one })),
    all: { ...drives.all },
  },
  environment: 'dry, 18 degrees',
  instruments: [{ what: 'tape 30 m', id: 'T-0042' }],
};

const signed = await signCertificate(certificate, signer);
const held = { keys, scene: scene(block), today: '2026-09-01' };
const failing = (of: typeof signed, more: Partial<typeof held> = {}) =>
  checkCertificate(of, { ...held, ...more }).filter(({ holds }) => !holds);

test('a certificate goes through a file and holds', (t) => {
  const read = readCertificate(JSON.stringify(signed, null, 2), 'c.json');
  t.deepEqual(read, signed);
  t.deepEqual(failing(read), []);
});

test('the hash of a scene does not change with its certificate, its comments or its spelling, and with everything else', (t) => {
  t.is(sceneDigest(scene(block)), sceneDigest(scene()));
  t.is(
    sceneDigest(
      scene().replace('# a comment\n', '').replace('{ width: 640, height: 360 }', '\n  height: 360\n  width: 640'),
    ),
    sceneDigest(scene()),
  );
  t.not(sceneDigest(scene().replace('pixelError: 1', 'pixelError: 2')), sceneDigest(scene()));
});

test('every alteration, a foreign key, another scene, another certificate in it, and both ends of its life are said', (t) => {
  const words = (findings: readonly { says: string }[]) => findings.map(({ says }) => says).join(' ');
  for (const altered of [
    { ...signed, expires: '2030-01-01' },
    { ...signed, points: signed.points.map((one, i) => (i === 0 ? { ...one, missPx: 0 } : one)) },
    { ...signed, technician: 'B. Ruiz' },
  ]) {
    t.regex(words(failing(altered)), /The signature does not hold/);
  }
  t.regex(words(failing(signed, { keys: new Map() })), /no key .* is trusted here/);
  t.regex(
    words(failing(signed, { scene: scene(block).replace('pixelError: 1', 'pixelError: 2') })),
    /changed after it was certified/,
  );
  t.regex(words(failing(signed, { scene: scene() })), /names another certificate, or none/);
  t.regex(words(failing(signed, { today: '2027-05-04' })), /expired after 2027-05-03\. The unit measures on/);
  t.regex(words(failing(signed, { today: '2026-05-03' })), /valid from 2026-05-04 only/);
  t.deepEqual(failing(signed, { today: '2027-05-03' }), []);
});

test('what is no certificate is refused with its place', (t) => {
  const said = (text: string) =>
    t.throws(() => readCertificate(text, 'c.json'), { code: 'document-refused' })?.message ?? '';
  t.regex(said('x'), /not JSON/);
  t.regex(said('{}'), /no calibration certificate/);
  t.regex(said(JSON.stringify({ ...signed, more: 1 })), /no calibration certificate/);
});
