import { connect } from 'node:tls';
import type { LinkCredentials } from '../link/link-options.ts';

export interface RawOptions {
  readonly clientId: string;
  readonly protocol: '5' | '3.1.1';
  readonly username?: string;
  readonly password?: string;
  /** Of an earlier connection, to be taken up again. */
  readonly session?: Buffer;
}

export interface RawClient {
  /** The broker's CONNACK says yes. */
  readonly accepted: boolean;
  /** It took up the TLS session that was given. */
  readonly resumed: boolean;
  /** To take up again with TLS 1.2. */
  readonly session: Buffer | undefined;
  /** At QoS 0: resolves when it is written. */
  publish(topic: string, payload: string): Promise<void>;
  close(): void;
}

/** Speaks MQTT byte by byte over TLS 1.2, so that tests can say what no library would. Never rejects. */
export function connectRaw(port: number, credentials: LinkCredentials, options: RawOptions): Promise<RawClient> {
  const { clientId, protocol, username, password, session } = options;
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      maxVersion: 'TLSv1.2',
      ...credentials,
      ...(session === undefined ? {} : { session }),
    });
    const settle = (accepted: boolean) =>
      resolve({
        accepted,
        resumed: socket.isSessionReused(),
        session: socket.getSession(),
        publish: (topic, payload) =>
          new Promise((done) => {
            const body = [text(topic), protocol === '5' ? Buffer.from([0]) : Buffer.alloc(0), Buffer.from(payload)];
            socket.write(packet(0x30, Buffer.concat(body)), () => done());
          }),
        close: () => socket.destroy(),
      });
    socket.on('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.once('secureConnect', () => {
      const flags = 2 | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
      const head = Buffer.from([protocol === '5' ? 5 : 4, flags, 0, 60, ...(protocol === '5' ? [0] : [])]);
      const rest = [clientId, username, password].filter((part) => part !== undefined).map(text);
      socket.write(packet(0x10, Buffer.concat([text('MQTT'), head, ...rest])));
    });
    // CONNACK: 0x20, length, flags, code.
    socket.once('data', (data) => settle(data[0] === 0x20 && data[3] === 0));
  });
}

const text = (value: string) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.byteLength >> 8, bytes.byteLength & 0xff]), bytes]);
};

/** Bodies of up to 16,383 bytes. */
function packet(first: number, body: Buffer): Buffer {
  const { byteLength } = body;
  const length = byteLength < 128 ? [byteLength] : [(byteLength & 0x7f) | 0x80, byteLength >> 7];
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}
