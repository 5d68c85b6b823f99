import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { Milliseconds } from '../../device/kernel/units.ts';
import { addressWords, type BridgeAddress } from './bridge-address.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  readonly signal?: AbortSignal;
}

/** HTTP with one bridge. */
export class Exchange {
  readonly #address: BridgeAddress;
  readonly #quiet: Milliseconds;
  readonly #agent: Agent;

  /** `quiet`: how long the bridge may say nothing before it counts as gone. `ca`: PEM, in place of the system's authorities. */
  constructor(address: BridgeAddress, options: { readonly quiet: Milliseconds; readonly ca?: Buffer }) {
    const { quiet, ca } = options;
    this.#address = address;
    this.#quiet = quiet;
    this.#agent =
      address.kind === 'tcp' && address.secure
        ? new SecureAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca }), minVersion: 'TLSv1.2' })
        : new Agent({ keepAlive: true });
  }

  /** The answer's head; its body is yet to be read. Throws `bridge-unavailable`. */
  ask({ method, path, headers, body, signal }: Asked): Promise<IncomingMessage> {
    const address = this.#address;
    const place = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
    const make = address.kind === 'tcp' && address.secure ? secureRequest : request;
    return new Promise((resolve, reject) => {
      const sent = make(
        {
          ...place,
          agent: this.#agent,
          method,
          path,
          headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(body.byteLength) }) },
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      sent.setTimeout(this.#quiet, () => {
        sent.destroy(
          new AtalayaError(
            'bridge-unavailable',
            `the bridge at ${addressWords(address)} has said nothing for ${this.#quiet / 1000} s`,
            {
              hint: 'Look whether it runs and its archive can be reached; then try again.',
            },
          ),
        );
      });
      sent.on('error', (error) => reject(signal?.aborted === true ? signal.reason : this.fault(error)));
      sent.end(body);
    });
  }

  /** What a failed connection means, for a person. */
  fault(error: unknown): AtalayaError {
    if (error instanceof AtalayaError) return error;
    const where = addressWords(this.#address);
    const code = systemCode(error) ?? '';
    const known = this.#speaksTls(code) ?? (Object.hasOwn(causes, code) ? causes[code] : undefined);
    const [why, hint] = known ?? [
      error instanceof Error ? error.message : String(error),
      'Look whether the bridge runs; then try again.',
    ];
    return new AtalayaError('bridge-unavailable', `cannot speak with the bridge at ${where}: ${why}`, {
      hint,
      cause: error,
    });
  }

  /** What a port of TLS does with a plain request: it cuts the connection, or answers what is no HTTP. */
  #speaksTls(code: string): readonly [why: string, hint: string] | undefined {
    const address = this.#address;
    if (address.kind !== 'tcp' || address.secure || !(code === 'ECONNRESET' || code.startsWith('HPE_')))
      return undefined;
    return [
      'it does not answer http://',
      `If it speaks TLS, say --bridge https://${addressWords(address)} (ATALAYA_BRIDGE).`,
    ];
  }

  close(): void {
    this.#agent.destroy();
  }
}

const startIt = 'Start atalaya-bridge there, or correct --bridge (ATALAYA_BRIDGE).';
const nameAuthority = 'Name the authority that signed its certificate with --ca (ATALAYA_CA).';

const causes: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ENOENT: ['there is no socket', startIt],
  ENOTSOCK: ['that is no socket', startIt],
  ECONNREFUSED: ['nobody listens there', startIt],
  EACCES: [
    'this user may not use the socket',
    'Join the group that owns it, or call as the user that the bridge runs as.',
  ],
  ENOTFOUND: ['no such host is known', 'Correct --bridge (ATALAYA_BRIDGE).'],
  EAI_AGAIN: ['the host name cannot be looked up now', 'Look at the network; then try again.'],
  ECONNRESET: ['the connection was cut', 'Look whether what was asked has been done before it is asked again.'],
  EPROTO: ['it speaks no TLS', 'Correct --bridge (ATALAYA_BRIDGE): perhaps it is another port.'],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'Have it renewed.'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for another name',
    'Call it by the name that the certificate bears.',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is signed by nobody that is known', nameAuthority],
  SELF_SIGNED_CERT_IN_CHAIN: ['its authority is not known', nameAuthority],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its authority is not known', nameAuthority],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['its authority is not known', nameAuthority],
};
