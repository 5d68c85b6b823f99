import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { filtersOf, topicOf } from '../contract/address.ts';
import { blockBytes } from '../contract/block-bytes.ts';
import { openPlainLink } from '../testing/plain-link.ts';
import { startMosquitto } from '../testing/start-mosquitto.ts';
import { openRelayed } from './download-ways.ts';

const run = promisify(execFile);
const unit = 'unit-7';
/** Blocks that the socket has not taken. */
const width = 4;

/**
 * Bytes in blocks of 64 KiB over Mosquitto at QoS 0, as fast as the socket takes them: nobody asks for them, acknowledges or keeps them. What
 * MQTT itself can do. Throws `program-missing` where Mosquitto is not installed.
 */
export async function measureBareStream(
  bytes: number,
  delayMs: number,
): Promise<{ readonly seconds: number; readonly bytesPerSecond: number }> {
  const broker = await startMosquitto({ extra: 'log_type error\n' });
  if (broker === undefined) throw new AtalayaError('program-missing', 'mosquitto is not installed');
  const block = randomBytes(blockBytes);
  let next = 0;
  const send = async () => {
    for (; next * blockBytes < bytes; ) {
      const topic = topicOf('streamData', unit, { id: 'abcdefgh', block: String(next) });
      next += 1;
      await link.publish(topic, block, { qos: 0 });
    }
  };
  const link = openPlainLink(broker.url, 'bridge-1', {
    online: () => undefined,
    offline: () => undefined,
    arrived: () => {
      for (let i = 0; i < width; i += 1) void send();
    },
  });
  await link.subscribe(filtersOf('streamGet', '+'));
  const way = await openRelayed(broker.port, delayMs);
  try {
    const program = fileURLToPath(new URL('./bare-stream-unit.ts', import.meta.url));
    const { stdout } = await run(process.execPath, [program, way.url, unit, `${bytes}`]);
    const { seconds: took } = JSON.parse(stdout) as { seconds: number };
    return { seconds: took, bytesPerSecond: bytes / took };
  } finally {
    await way.close();
    await link.close();
    await broker.stop();
  }
}

if (import.meta.main) {
  const [bytes = '100000000', delayMs = '0'] = process.argv.slice(2);
  console.log(JSON.stringify(await measureBareStream(Number(bytes), Number(delayMs))));
}
