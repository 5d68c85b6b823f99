import test from 'ava';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { utcMilliseconds } from '../../device/kernel/units.ts';
import { connackFault, connectFault, disconnectFault, lossFault, pubackFault } from './link-faults.ts';

const place = { at: 'broker:8883', cert: undefined, now: utcMilliseconds(0) };
const coded = (code: string) => Object.assign(new Error('words of a library'), { code });

const connecting: readonly (readonly [string, RegExp])[] = [
  ['ECONNREFUSED', /^nobody listens at broker:8883$/],
  ['ENOTFOUND', /name in broker:8883 is not known/],
  ['EHOSTUNREACH', /no way to broker:8883/],
  ['SELF_SIGNED_CERT_IN_CHAIN', /not from an authority that we trust/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /not from an authority that we trust/],
  ['CERT_HAS_EXPIRED', /certificate of the broker at broker:8883 has expired/],
  ['CERT_NOT_YET_VALID', /is not valid yet/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /is for another name/],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /^the broker does not know the authority of our certificate$/],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', /our certificate is revoked/],
  ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', /our certificate has expired/],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /asks for a certificate that we do not have/],
  ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', /^the broker refuses our certificate$/],
  ['ECONNRESET', /broke off before it let us in/],
  ['EWHATEVER', /words of a library/],
];

test('every way of not getting in has its words, and may be put right', (t) => {
  for (const [code, words] of connecting) {
    const fault = connectFault(coded(code), place);
    t.regex(fault.message, words, code);
    t.deepEqual([fault.code, fault.disposition], ['link-down', 'retry'], code);
  }
  t.regex(connectFault(undefined, place).message, /broke off/);
});

test('a fault of ours is a reason too, and ends no link for good', (t) => {
  const missing = new AtalayaError('key-missing', 'there is no key');
  t.deepEqual(
    [connectFault(missing, place).code, connectFault(missing, place).message],
    ['link-down', 'there is no key'],
  );
  const down = new AtalayaError('link-down', 'so it is');
  t.is(connectFault(down, place), down);
});

test('reason codes have words, and unknown ones their number', (t) => {
  t.regex(connackFault(135).message, /does not let us in/);
  t.regex(connackFault(200).message, /reason 200/);
  t.regex(disconnectFault(142).message, /another session/);
  t.regex(disconnectFault(200).message, /reason 200/);
  t.regex(lossFault(coded('ECONNRESET')).message, /was broken/);
});

test('what the broker refuses for good is not tried again, what it refuses now is', (t) => {
  for (const code of [135, 144, 149, 153]) t.is(pubackFault('a/b', code).code, 'link-refused', String(code));
  for (const code of [128, 131, 151]) t.is(pubackFault('a/b', code).code, 'link-down', String(code));
});
