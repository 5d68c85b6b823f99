import { longestPayload } from '../../../../cloud-bridge/contract/topics.ts';
import { utcMilliseconds } from '../../../kernel/units.ts';
import { configSchema } from '../../config-schema.ts';
import type { DesiredContext } from '../judge-desired.ts';
import type { Settings } from '../settings.ts';
import { type Cast, draft, facts, recipient, signedText, today } from './signed.ts';

/** A document, and every reason for which it must be refused. */
export interface BadDocument {
  readonly what: string;
  readonly text: Promise<Buffer> | Buffer;
  readonly codes: readonly string[];
  readonly context?: Partial<DesiredContext>;
}

/** Every way in which a document can be bad. */
export function badDocuments({ signers }: Cast): readonly BadDocument[] {
  const { supervisor, operator, auditor, technician, stranger } = signers;
  const good: Settings = { signal: { beacon: { onMs: 3000 } } };
  const signed = (settings: Settings, changes: Settings = {}) => signedText(draft(settings, changes), supervisor);
  const edited = async (edit: (text: string) => string) => Buffer.from(edit((await signed(good)).toString()));
  const setting = (what: string, settings: Settings, ...codes: string[]): BadDocument => {
    return { what, text: signed(settings), codes };
  };
  const policies = (...retention: Settings[]): Settings => ({ evidence: { retention } });

  return [
    // What cannot be read.
    { what: 'nothing', text: Buffer.alloc(0), codes: ['not-json'] },
    { what: 'not JSON', text: Buffer.from('unit: unit-7\n'), codes: ['not-json'] },
    { what: 'a torn document', text: edited((text) => text.slice(0, -20)), codes: ['not-json'] },
    { what: 'no UTF-8', text: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), codes: ['not-json'] },
    { what: 'NaN', text: edited((text) => text.replace('3000', 'NaN')), codes: ['not-json'] },
    { what: 'Infinity', text: edited((text) => text.replace('3000', '-Infinity')), codes: ['not-json'] },
    { what: 'a number beyond a double', text: edited((text) => text.replace('3000', '1e999')), codes: ['malformed'] },
    {
      what: 'a key twice',
      text: edited((text) => text.replace('"onMs":3000', '"onMs":3000,"onMs":1')),
      codes: ['malformed'],
    },
    {
      what: 'a version twice',
      text: edited((text) => text.replace('"version":8', '"version":8,"version":9')),
      codes: ['malformed'],
    },
    {
      what: '__proto__ in the settings',
      text: edited((text) => text.replace('"beacon":', '"__proto__":{"onMs":1},"beacon":')),
      codes: ['malformed'],
    },
    {
      what: 'half of a surrogate pair',
      text: edited((text) => text.replace('"settings"', '"note":"\\ud800","settings"')),
      codes: ['malformed'],
    },
    { what: 'nested too deep', text: Buffer.from(`${'['.repeat(60_000)}${']'.repeat(60_000)}`), codes: ['malformed'] },
    { what: 'longer than a packet', text: Buffer.alloc(longestPayload + 1, ' '), codes: ['oversized'] },
    { what: 'a list', text: Buffer.from('[]'), codes: ['malformed'] },
    { what: 'null', text: Buffer.from('null'), codes: ['malformed'] },
    { what: 'an object with nothing in it', text: Buffer.from('{}'), codes: ['malformed'] },
    { what: 'a command', text: signed(good, { schema: 'atalaya/command/1' }), codes: ['other-schema'] },
    { what: 'a later schema', text: signed(good, { schema: 'atalaya/config/2' }), codes: ['other-schema'] },
    { what: 'a field that the contract does not have', text: signed(good, { priority: 1 }), codes: ['malformed'] },
    { what: 'no settings', text: signed(good, { settings: undefined }), codes: ['malformed'] },
    { what: 'settings that are a list', text: signed(good, { settings: [] }), codes: ['malformed'] },
    { what: 'version 0', text: signed(good, { version: 0 }), codes: ['malformed'] },
    { what: 'version 8.5', text: signed(good, { version: 8.5 }), codes: ['malformed'] },
    { what: 'a version that is text', text: signed(good, { version: '8' }), codes: ['malformed'] },
    { what: 'no trial at all', text: signed(good, { probationMinutes: 0 }), codes: ['malformed'] },
    { what: 'no word of a trial', text: signed(good, { probationMinutes: undefined }), codes: ['malformed'] },
    { what: 'a trial of two days', text: signed(good, { probationMinutes: 2880 }), codes: ['malformed'] },
    { what: 'a date that is none', text: signed(good, { issued: '2026-02-30T00:00:00Z' }), codes: ['malformed'] },
    // Who says so.
    { what: 'nobody is trusted', text: signed(good), codes: ['no-trust'], context: { people: undefined } },
    { what: 'unsigned', text: Buffer.from(JSON.stringify(draft(good))), codes: ['not-signed'] },
    {
      what: 'a signature that is cut',
      text: edited((text) => text.replace(/"value":"[^"]{8}/, '"value":"')),
      codes: ['signature-malformed'],
    },
    { what: 'signed by a stranger', text: signedText(draft(good), stranger), codes: ['unknown-key'] },
    { what: 'altered settings', text: edited((text) => text.replace('3000', '3001')), codes: ['altered'] },
    {
      what: 'an altered version',
      text: edited((text) => text.replace('"version":8', '"version":9')),
      codes: ['altered'],
    },
    { what: 'an altered unit', text: edited((text) => text.replace('unit-7', 'unit-8')), codes: ['altered'] },
    {
      what: "another's key named over the signature",
      text: edited((text) => text.replace(supervisor.id, operator.id)),
      codes: ['altered'],
    },
    { what: "an auditor's", text: signedText(draft(good), auditor), codes: ['not-allowed'] },
    { what: "a technician's", text: signedText(draft(good), technician), codes: ['not-allowed'] },
    // For whom and when.
    { what: "another unit's", text: signed(good, { unit: 'unit-8' }), codes: ['other-unit'] },
    {
      what: 'older than one that was accepted',
      text: signed(good),
      codes: ['older-version'],
      context: { highest: { version: 9, sha256: '0'.repeat(64) } },
    },
    {
      what: 'of an accepted version, with other content',
      text: signed(good),
      codes: ['version-taken'],
      context: { highest: { version: 8, sha256: '0'.repeat(64) } },
    },
    { what: 'expired', text: signed(good, { expires: '2026-03-01T12:00:00Z' }), codes: ['expired'] },
    {
      what: 'expired, by a clock that may be behind',
      text: signed(good, { expires: '2026-03-01T11:59:59Z' }),
      codes: ['expired'],
      context: { now: { utc: utcMilliseconds(today), reliable: false } },
    },
    { what: 'issued tomorrow', text: signed(good, { issued: '2026-03-02T12:00:00Z' }), codes: ['issued-later'] },
    {
      what: 'expired before it was issued',
      text: signed(good, { expires: '2026-03-01T10:00:00Z' }),
      codes: ['expires-first'],
    },
    // What it sets.
    setting('an unknown section', { camera: { rate: 25 } }, 'field-unknown'),
    setting('an unknown field', { signal: { beacon: { onSeconds: 3 } } }, 'field-unknown'),
    setting('an unknown field that is null', { signal: { siren: null } }, 'field-unknown'),
    setting('an unknown field in a list', policies({ name: 'all', keepDays: 9, keepHours: 1 }), 'field-unknown'),
    setting('text for a number', { cloud: { keepAliveS: '30' } }, 'wrong-type'),
    setting('a number for a section', { signal: 5 }, 'wrong-type'),
    setting('a list for a section', { signal: [] }, 'wrong-type'),
    setting('a part of a whole number', { cloud: { window: 1.5 } }, 'wrong-type'),
    setting('null in a list', { evidence: { witnesses: [null] } }, 'wrong-type'),
    setting('text for a flag', { flags: { strobe: 'off' } }, 'wrong-type'),
    setting('a detector out of bounds', { detector: { leastScore: 2 } }, 'out-of-bounds'),
    setting('plates out of bounds', { plates: { waitS: 61 } }, 'out-of-bounds'),
    setting('evidence out of bounds', { evidence: { clipBeforeS: -1 } }, 'out-of-bounds'),
    setting('a signal out of bounds', { signal: { strobe: { onMs: 0 } } }, 'out-of-bounds'),
    setting('a cloud out of bounds', { cloud: { window: 0 } }, 'out-of-bounds'),
    setting('a log out of bounds', { log: { keepDays: 4000 } }, 'out-of-bounds'),
    setting('a site of a thousand letters', { unit: { site: 'x'.repeat(1000) } }, 'out-of-bounds'),
    setting('a source out of bounds', { source: { nominalRate: 0 } }, 'out-of-bounds'),
    setting('a level that is none', { log: { level: 'loud' } }, 'not-a-choice'),
    setting('a protocol that is none', { cloud: { protocol: '3.1' } }, 'not-a-choice'),
    setting('an output that is no name', { signal: { strobe: { output: 'GPIO 4' } } }, 'form-wrong'),
    setting('a policy without a name', policies({ keepDays: 30 }), 'field-missing'),
    setting('a name for the unit', { unit: { id: 'unit-8' } }, 'field-unit-only'),
    setting('another data folder', { evidence: { data: '/tmp' } }, 'field-unit-only'),
    setting('another signing key', { evidence: { signing: { keyFile: '/tmp/key.pem' } } }, 'field-unit-only'),
    setting(
      'another trust',
      { cloud: { trust: '/tmp/trust.json', rootKey: '/tmp/root.pem' } },
      'field-unit-only',
      'field-unit-only',
    ),
    setting('a program to run', { source: { ffmpeg: '/tmp/ffmpeg' } }, 'field-unit-only'),
    setting('a key for watch lists', { plates: { listKey: '/tmp/lists.pem' } }, 'field-unit-only'),
    setting('a place to listen', { status: { listen: '0.0.0.0:80' } }, 'field-unit-only'),
    setting('a broker without TLS', { cloud: { broker: 'mqtt://broker.example:1883' } }, 'broker-not-mqtts'),
    setting('a broker on the unit itself', { cloud: { broker: 'mqtt://localhost:1883' } }, 'broker-not-mqtts'),
    setting('a broker that is a web page', { cloud: { broker: 'https://broker.example' } }, 'form-wrong'),
    setting('a broker with a password', { cloud: { broker: 'mqtts://me:secret@broker.example' } }, 'form-wrong'),
    {
      what: 'a broker, and no certificate to show it',
      text: signed({ cloud: { broker: 'mqtts://broker.example' } }),
      codes: ['broker-without-certificate'],
      context: { base: configSchema.parse({ unit: { id: 'unit-7' } }) },
    },
    {
      what: 'watch lists, and no key to believe them by',
      text: signed({ plates: { lists: ['/etc/atalaya/stolen.json'] } }),
      codes: ['lists-without-key'],
      context: { base: configSchema.parse({ unit: { id: 'unit-7' } }) },
    },
    setting(
      'a certificate, and no key with it',
      { cloud: { cert: '/tmp/other.pem', key: '' } },
      'field-unit-only',
      'field-unit-only',
      'out-of-bounds',
    ),
    // Whether this unit can.
    setting('a detector that is not here', { detector: { bundle: 'yolo' } }, 'bundle-not-here'),
    setting(
      'a reader that is not here',
      { plates: { readers: ['plate-reader-atalaya-float', 'x'] } },
      'bundle-not-here',
    ),
    setting('no reader at all', { plates: { readers: [] } }, 'out-of-bounds'),
    setting('more threads than cores', { detector: { threads: 8 } }, 'threads-beyond-cores'),
    setting('a line that is not here', { signal: { beacon: { output: 'siren' } } }, 'output-not-here'),
    setting('one line for both lamps', { signal: { beacon: { output: 'strobe' } } }, 'output-twice'),
    setting('a ring beyond the memory', { evidence: { ringMegabytes: 4096 } }, 'memory-short'),
    setting('a queue beyond the memory', { plates: { queueMegabytes: 1000 } }, 'memory-short'),
    setting('a reserve beyond the disk', { evidence: { reserveMegabytes: 100_000 } }, 'disk-short'),
    setting('no authority any more', { evidence: { authority: [] } }, 'authority-emptied'),
    setting(
      'an authority that is nobody',
      { evidence: { authority: [recipient, 'age1nobody'] } },
      'recipient-malformed',
    ),
    setting('a witness that is none', { evidence: { witnesses: ['witness'] } }, 'witness-malformed'),
    setting('a list by a relative path', { plates: { lists: ['stolen.json'] } }, 'path-relative'),
    setting('a list that is not here', { plates: { lists: ['/etc/missing.json'] } }, 'list-not-here'),
    setting('a rule that is none', policies({ name: 'a', rules: ['littering'], keepDays: 1 }), 'rule-unknown'),
    setting('a policy that does nothing', policies({ name: 'a' }), 'retention-idle'),
    setting(
      'two policies of one name',
      policies({ name: 'a', rules: ['speeding'], keepDays: 1 }, { name: 'a', keepDays: 2 }),
      'retention-name-twice',
    ),
    setting(
      'a policy that never decides',
      policies({ name: 'all', keepDays: 1 }, { name: 'b', rules: ['speeding'], keepDays: 2 }),
      'retention-unreachable',
    ),
    setting(
      'room that is made too late',
      { evidence: { retention: [{ name: 'all', whenFull: true }], keepFreeMegabytes: 10 } },
      'reserve-above-free',
    ),
    {
      what: 'plates in a scene that names no formats',
      text: signed({ plates: { read: true } }),
      codes: ['scene-without-formats'],
      context: { facts: { ...facts, sceneFormats: false } },
    },
    // Half-valid: whole, and with all reasons.
    setting(
      'one good field and five bad ones',
      { ...good, cloud: { window: 0, keepAlive: 3 }, evidence: { data: '/x', authority: [] }, log: { level: 'loud' } },
      'authority-emptied',
      'field-unknown',
      'field-unit-only',
      'out-of-bounds',
      'not-a-choice',
    ),
    setting(
      'two bad fields, and two things that this unit cannot do',
      { detector: { bundle: 'yolo', leastScore: 7 }, log: { level: 1 }, evidence: { authority: [] } },
      'authority-emptied',
      'bundle-not-here',
      'not-a-choice',
      'out-of-bounds',
    ),
    setting(
      'three things that this unit cannot do',
      { detector: { bundle: 'yolo', threads: 16 }, evidence: { authority: [] } },
      'authority-emptied',
      'bundle-not-here',
      'threads-beyond-cores',
    ),
    {
      what: "another unit's, old, expired, and wrong",
      text: signed({ cloud: { window: 0 } }, { unit: 'unit-8', expires: '2026-03-01T11:30:00Z' }),
      codes: ['other-unit', 'older-version', 'expired', 'out-of-bounds'],
      context: { highest: { version: 9, sha256: '0'.repeat(64) } },
    },
  ];
}
