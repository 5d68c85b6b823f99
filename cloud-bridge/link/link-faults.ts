import { X509Certificate } from 'node:crypto';
import { AtalayaError, isAtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { UtcMilliseconds } from '../../device/kernel/units.ts';

/** Why there is no connection, in words for a technician. Every one is `link-down`, since each may be put right at the other end. */

/** What the words are about. */
export interface LinkPlace {
  /** Host and port. */
  readonly at: string;
  /** PEM of our own certificate. */
  readonly cert: Buffer | undefined;
  readonly now: UtcMilliseconds;
}

interface Words {
  readonly message: string;
  readonly hint?: string;
}

const brokerCertificate = 'See to the authority in our settings, or to the certificate of the broker.';
const ourCertificate = 'Have a new certificate issued to this client.';
const brokerLog = 'Look into the log of the broker: it says why.';

/** By the system's and the TLS library's codes. */
const byCode: Readonly<Record<string, (at: string) => Words>> = {
  ECONNREFUSED: (at) => ({ message: `nobody listens at ${at}` }),
  ENOTFOUND: (at) => ({ message: `the name in ${at} is not known` }),
  EAI_AGAIN: (at) => ({ message: `the name in ${at} cannot be looked up now` }),
  EHOSTUNREACH: (at) => ({ message: `there is no way to ${at}` }),
  ENETUNREACH: (at) => ({ message: `there is no network towards ${at}` }),
  ETIMEDOUT: (at) => ({ message: `${at} does not answer` }),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  CERT_HAS_EXPIRED: (at) => ({
    message: `the certificate of the broker at ${at} has expired`,
    hint: 'Renew it, or set the clock of this machine right.',
  }),
  CERT_NOT_YET_VALID: (at) => ({
    message: `the certificate of the broker at ${at} is not valid yet`,
    hint: 'Set the clock of this machine right.',
  }),
  ERR_TLS_CERT_ALTNAME_INVALID: (at) => ({
    message: `the certificate of the broker at ${at} is for another name`,
    hint: brokerCertificate,
  }),
  EPROTO: (at) => ({ message: `${at} does not speak TLS as we do` }),
  ERR_SSL_WRONG_VERSION_NUMBER: (at) => ({ message: `${at} does not speak TLS` }),
};

function unknownAuthority(at: string): Words {
  return {
    message: `the certificate of the broker at ${at} is not from an authority that we trust`,
    hint: brokerCertificate,
  };
}

/** By the alert that the broker sent (RFC 8446, 6.2), as OpenSSL spells it in the code of the error. */
const byAlert: readonly (readonly [RegExp, Words])[] = [
  [/ALERT_UNKNOWN_CA$/, { message: 'the broker does not know the authority of our certificate', hint: ourCertificate }],
  [/ALERT_CERTIFICATE_REVOKED$/, { message: 'the broker says that our certificate is revoked', hint: ourCertificate }],
  [
    /ALERT_CERTIFICATE_EXPIRED$/,
    {
      message: 'the broker says that our certificate has expired',
      hint: 'Renew it; where it has not expired, the list of revoked certificates of the broker is out of date.',
    },
  ],
  [
    /ALERT_CERTIFICATE_REQUIRED$|ALERT_HANDSHAKE_FAILURE$/,
    { message: 'the broker asks for a certificate that we do not have', hint: 'Set certificate and key.' },
  ],
  [
    /ALERT_(BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)$/,
    { message: 'the broker refuses our certificate', hint: brokerLog },
  ],
];

/** A failure on the way to a session. Undefined: the broker closed the connection without a word. */
export function connectFault(error: unknown, place: LinkPlace): AtalayaError {
  if (isAtalayaError(error)) return error.code === 'link-down' ? error : linkDown({ message: error.message }, error);
  const code = systemCode(error) ?? '';
  const alert = byAlert.find(([form]) => form.test(code))?.[1];
  if (alert !== undefined) {
    const validity = ownValidity(place);
    if (validity !== undefined) {
      return linkDown({ message: `the broker refuses our certificate: ${validity}`, hint: ourCertificate }, error);
    }
    return linkDown(alert, error);
  }
  const words = byCode[code]?.(place.at);
  if (words !== undefined) return linkDown(words, error);
  if (error === undefined || code === 'ECONNRESET' || code === 'EPIPE') {
    const validity = ownValidity(place);
    return linkDown(
      {
        message: `the broker at ${place.at} broke off before it let us in${validity === undefined ? '' : `: ${validity}`}`,
        hint: brokerLog,
      },
      error,
    );
  }
  return linkDown({ message: `no connection to ${place.at}: ${wordsOf(error)}` }, error);
}

/** The end of a session that stood. */
export function lossFault(error: unknown): AtalayaError {
  if (isAtalayaError(error, 'link-down')) return error;
  const code = systemCode(error) ?? '';
  const alert = byAlert.find(([form]) => form.test(code))?.[1];
  if (alert !== undefined) return linkDown(alert, error);
  if (error === undefined) return linkDown({ message: 'the broker closed the connection' });
  if (code === 'ECONNRESET' || code === 'EPIPE') return linkDown({ message: 'the connection was broken' }, error);
  if (code === 'ETIMEDOUT') return linkDown({ message: 'the connection is dead: nothing comes back' }, error);
  return linkDown({ message: `the connection was lost: ${wordsOf(error)}` }, error);
}

export function silenceFault(seconds: number): AtalayaError {
  return linkDown({ message: `the broker gave no sign of life for ${seconds} s` });
}

/** The reason code of a CONNACK: of MQTT 5 (3.2.2.2) and the return codes of 3.1.1 (3.2.2.3). */
export function connackFault(code: number): AtalayaError {
  const words: Readonly<Record<number, Words>> = {
    1: { message: 'the broker does not speak this version of MQTT' },
    2: { message: 'the broker refuses our client id' },
    3: { message: 'the broker is not available' },
    4: { message: 'the broker does not know us by this certificate', hint: brokerLog },
    5: { message: 'the broker does not let us in', hint: brokerLog },
    132: { message: 'the broker does not speak this version of MQTT' },
    133: { message: 'the broker refuses our client id' },
    134: { message: 'the broker does not know us by this certificate', hint: brokerLog },
    135: { message: 'the broker does not let us in', hint: brokerLog },
    136: { message: 'the broker is not available' },
    137: { message: 'the broker is busy' },
    138: { message: 'the broker has banned us', hint: brokerLog },
    149: { message: 'our CONNECT is too large for the broker: its will is' },
    151: { message: 'the broker has no room for one more client' },
    159: { message: 'the broker says that we connect too often' },
  };
  return linkDown(words[code] ?? { message: `the broker does not let us in: reason ${code}`, hint: brokerLog });
}

/** The reason code of a DISCONNECT of the broker (MQTT 5, 3.14.2.1). */
export function disconnectFault(code: number): AtalayaError {
  const words: Readonly<Record<number, Words>> = {
    139: { message: 'the broker is shutting down' },
    141: { message: 'the broker heard nothing of us for too long' },
    142: {
      message: 'another session with our client id took this one over',
      hint: 'See that no two programs run with one certificate.',
    },
    147: { message: 'we sent more at once than the broker takes' },
    149: { message: 'we sent a packet that is too large for the broker' },
    150: { message: 'the broker says that we send too much' },
    152: { message: 'the operator of the broker has ended the connection' },
  };
  return linkDown(words[code] ?? { message: `the broker took leave: reason ${code}` });
}

/** The reason code of a PUBACK (MQTT 5, 3.4.2.1), where it is no success. */
export function pubackFault(topic: string, code: number): AtalayaError {
  const words: Readonly<Record<number, string>> = {
    135: 'is not allowed to us',
    144: 'is no topic of this broker',
    145: 'used a packet identifier that is taken',
    149: 'is too large a packet',
    153: 'is not of the form that it was said to be',
  };
  const forGood = words[code];
  if (forGood === undefined) return linkDown({ message: `the broker does not take ${topic} now: reason ${code}` });
  return new AtalayaError('link-refused', `${topic} ${forGood}`);
}

function linkDown(words: Words, cause?: unknown): AtalayaError {
  return new AtalayaError('link-down', words.message, {
    ...(words.hint === undefined ? {} : { hint: words.hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What is wrong with the dates of our own certificate, by our own clock. */
function ownValidity({ cert, now }: LinkPlace): string | undefined {
  if (cert === undefined) return undefined;
  try {
    const { validFrom, validTo } = new X509Certificate(cert);
    if (Date.parse(validTo) < now) return `it expired on ${new Date(validTo).toISOString()}`;
    if (Date.parse(validFrom) > now) return `it is not valid before ${new Date(validFrom).toISOString()}`;
    return undefined;
  } catch {
    return 'it cannot be read';
  }
}

/** The first sentence of an error of another's making. */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}
