import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** What the server does besides serving well. */
export interface RtspOrders {
  /** Asks for this name and password, by Basic or Digest (RFC 7616, MD5). */
  readonly account?: { readonly user: string; readonly password: string; readonly scheme: 'Basic' | 'Digest' };
  /** Falls silent, or cuts the connection, after so many pictures of the first connection. */
  readonly stallAfter?: number;
  readonly cutAfter?: number;
}

export interface RtspServer {
  readonly url: string;
  /** Connections that played so far. */
  readonly plays: () => number;
  close(): Promise<void>;
}

const CLOCK = 90_000;
const LARGEST_PAYLOAD = 1400;
const REALM = 'camera';
const NONCE = 'f00d';

/**
 * A small RTSP server (RFC 2326) for one H.264 stream over interleaved TCP: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN; RTP after
 * RFC 6184 with single units and FU-A. `pictures`: the access units of an Annex B stream, each a list of NAL units; they are played
 * over and over.
 */
export async function serveRtsp(
  pictures: readonly (readonly Buffer[])[],
  rate: number,
  orders: RtspOrders = {},
): Promise<RtspServer> {
  const sockets = new Set<Socket>();
  let plays = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(text.search(/[A-Z]/), end);
        text = text.slice(end + 4);
        if (answer(socket, request, pictures, orders)) void play(socket, pictures, rate, plays++ === 0 ? orders : {});
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `rtsp://127.0.0.1:${port}/stream`,
    plays: () => plays,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers one request; true where it is one to play. */
function answer(
  socket: Socket,
  request: string,
  pictures: readonly (readonly Buffer[])[],
  { account }: RtspOrders,
): boolean {
  const [method = '', url = ''] = request.split(' ', 2);
  const header = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(request)?.[1] ?? '';
  const say = (status: string, headers: readonly string[] = [], body = '') => {
    const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    socket.write([`RTSP/1.0 ${status}`, `CSeq: ${header('CSeq')}`, ...headers, ...length, '', body].join('\r\n'));
  };
  if (
    account !== undefined &&
    method !== 'OPTIONS' &&
    header('Authorization') !== expected(account, method, url, header('Authorization'))
  ) {
    const challenge =
      account.scheme === 'Basic' ? `Basic realm="${REALM}"` : `Digest realm="${REALM}", nonce="${NONCE}"`;
    say('401 Unauthorized', [`WWW-Authenticate: ${challenge}`]);
    return false;
  }
  switch (method) {
    case 'OPTIONS':
      say('200 OK', ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN']);
      return false;
    case 'DESCRIBE':
      say('200 OK', ['Content-Type: application/sdp'], describe(pictures[0] ?? []));
      return false;
    case 'SETUP':
      say('200 OK', ['Transport: RTP/AVP/TCP;unicast;interleaved=0-1', 'Session: 1;timeout=60']);
      return false;
    case 'PLAY':
      say('200 OK', ['Session: 1', `RTP-Info: url=${url};seq=0;rtptime=0`]);
      return true;
    default:
      say('200 OK');
      return false;
  }
}

/** The header that this account would send; for Digest, with the fields that the client chose. */
function expected(
  { user, password, scheme }: NonNullable<RtspOrders['account']>,
  method: string,
  url: string,
  given: string,
): string {
  if (scheme === 'Basic') return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const response = md5(`${md5(`${user}:${REALM}:${password}`)}:${NONCE}:${md5(`${method}:${url}`)}`);
  return given.includes(`response="${response}"`) ? given : 'none';
}

function describe(first: readonly Buffer[]): string {
  const sets = first.filter((unit) => [7, 8].includes((unit[0] ?? 0) & 31)).map((unit) => unit.toString('base64'));
  return [
    ...['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=street', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=video 0 RTP/AVP 96'],
    ...[
      'a=rtpmap:96 H264/90000',
      `a=fmtp:96 packetization-mode=1;sprop-parameter-sets=${sets.join(',')}`,
      'a=control:track1',
      '',
    ],
  ].join('\r\n');
}

async function play(
  socket: Socket,
  pictures: readonly (readonly Buffer[])[],
  rate: number,
  { stallAfter, cutAfter }: RtspOrders,
): Promise<void> {
  let sequence = 0;
  const began = performance.now();
  for (let index = 0; !socket.destroyed; index += 1) {
    const wait = began + (index * 1000) / rate - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    if (index === stallAfter) return;
    if (index === cutAfter) return void socket.destroy();
    const units = pictures[index % pictures.length] ?? [];
    for (const [at, unit] of units.entries()) {
      for (const [part, payload] of fragments(unit).entries()) {
        const last = at === units.length - 1 && part === fragments(unit).length - 1;
        const head = Buffer.alloc(16);
        head.write('$', 0, 'latin1');
        head.writeUInt16BE(12 + payload.byteLength, 2);
        head.writeUInt16BE(0x8060 | (last ? 0x80 : 0), 4);
        head.writeUInt16BE(sequence & 0xffff, 6);
        head.writeUInt32BE(Math.round((index * CLOCK) / rate) >>> 0, 8);
        head.writeUInt32BE(0x1234, 12);
        sequence += 1;
        socket.write(Buffer.concat([head, payload]));
      }
    }
  }
}

/** RFC 6184, 5.6 and 5.8. */
function fragments(unit: Buffer): Buffer[] {
  if (unit.byteLength <= LARGEST_PAYLOAD) return [unit];
  const head = unit[0] ?? 0;
  const parts: Buffer[] = [];
  for (let at = 1; at < unit.byteLength; at += LARGEST_PAYLOAD) {
    const end = at + LARGEST_PAYLOAD >= unit.byteLength;
    const flags = (at === 1 ? 0x80 : 0) | (end ? 0x40 : 0) | (head & 31);
    parts.push(Buffer.concat([Buffer.from([(head & 0xe0) | 28, flags]), unit.subarray(at, at + LARGEST_PAYLOAD)]));
  }
  return parts;
}

/** The access units of an Annex B stream with one slice a picture. */
export function accessUnits(stream: Buffer): Buffer[][] {
  const starts: number[] = [];
  for (let at = stream.indexOf('\0\0\x01', 0, 'latin1'); at >= 0; at = stream.indexOf('\0\0\x01', at + 3, 'latin1'))
    starts.push(at + 3);
  const pictures: Buffer[][] = [];
  let before: Buffer[] = [];
  for (const [index, start] of starts.entries()) {
    let end = (starts[index + 1] ?? stream.byteLength + 3) - 3;
    while (stream[end - 1] === 0) end -= 1;
    const unit = stream.subarray(start, end);
    before.push(unit);
    if (((unit[0] ?? 0) & 31) > 5) continue;
    pictures.push(before);
    before = [];
  }
  return pictures;
}
