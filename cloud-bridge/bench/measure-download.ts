import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { targetPath } from '../../ota/contract/repository.ts';
import type { Target } from '../../ota/contract/target.ts';
import { startMosquitto } from '../testing/start-mosquitto.ts';
import { openCentreEnd } from '../unit-end/updates/testing/mqtt-ends.ts';
import { memoryFiles } from '../unit-end/updates/testing/streamed.ts';
import type { DownloadFigures, DownloadUnit } from './download-unit.ts';
import { openRelayed, openShaped } from './download-ways.ts';
import type { WireFigures } from './packet-wire.ts';

export interface DownloadTrial {
  /** Bytes of the file. */
  readonly bytes: number;
  /** Of a round trip. */
  readonly delayMs: number;
  /** With a rate packets are shaped in both directions; it needs root and /dev/net/tun. Without one the connection is only delayed. */
  readonly rateKbit?: number;
  readonly lossPercent?: number;
  /** Every so often the connection is reset; shaped, nothing passes for two seconds, not even the reset. */
  readonly cutEverySeconds?: number;
}

export interface DownloadResult extends DownloadFigures {
  readonly bytesPerSecond: number;
  readonly cuts: number;
  /**
   * Bytes of blocks that the centre published, without headers, and by how much they are more than the file has: what was published, had not
   * come when the connection was cut, and was published again, whether it was still with the broker, on the wire, or at the unit behind a
   * packet that was lost. What TCP sends again while the connection stands is not in it: `wire.payloadAgain`.
   */
  readonly published: number;
  readonly twicePercent: number;
  /** Below MQTT, with all that TCP sent again; absent where packets are not shaped. */
  readonly wire?: WireFigures;
}

const run = promisify(execFile);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const unit = 'unit-7';

/** One download over Mosquitto, the unit in a process of its own. Throws `program-missing` where Mosquitto is not installed. */
export async function measureDownload(trial: DownloadTrial): Promise<DownloadResult> {
  const { bytes, delayMs, rateKbit, lossPercent = 0, cutEverySeconds } = trial;
  const broker = await startMosquitto({ extra: 'log_type error\n' });
  if (broker === undefined) throw new AtalayaError('program-missing', 'mosquitto is not installed');
  const content = randomBytes(bytes);
  const target = targetOf(content);
  const centre = await openCentreEnd(broker.url, 'bridge-1', memoryFiles(new Map([[targetPath(target), content]])));
  const way =
    rateKbit === undefined
      ? await openRelayed(broker.port, delayMs)
      : await openShaped(broker.port, { rateKbit, delayMs: delayMs / 2, lossPercent });
  let cuts = 0;
  const cutter =
    cutEverySeconds === undefined
      ? undefined
      : setInterval(() => {
          cuts += 1;
          way.cut();
        }, cutEverySeconds * 1000);
  try {
    const args = JSON.stringify({ url: way.url, unit, target } satisfies DownloadUnit);
    const [program = '', ...rest] = [...way.command, process.execPath, here('./download-unit.ts'), args];
    const { stdout } = await run(program, rest);
    const figures = JSON.parse(stdout) as DownloadFigures;
    const published = centre.server.figures.bytes;
    const wire = await way.figures();
    return {
      ...figures,
      bytesPerSecond: bytes / figures.seconds,
      cuts,
      published,
      twicePercent: 100 * (published / bytes - 1),
      ...(wire === undefined ? {} : { wire }),
    };
  } finally {
    clearInterval(cutter);
    await way.close();
    await centre.close();
    await broker.stop();
  }
}

function targetOf(content: Buffer): Target {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return {
    target: 'unit-1-r1-x64.tar.zst',
    length: content.byteLength,
    sha256,
    description: {
      kind: 'program',
      name: 'unit',
      version: '1',
      release: 1,
      hardware: ['x64'],
      tree: { sha256, length: Math.max(1024, content.byteLength) },
    },
  };
}

if (import.meta.main) {
  const [bytes = '1000000', delayMs = '0', rateKbit, lossPercent, cutEverySeconds] = process.argv.slice(2);
  const result = await measureDownload({
    bytes: Number(bytes),
    delayMs: Number(delayMs),
    ...(rateKbit === undefined ? {} : { rateKbit: Number(rateKbit) }),
    ...(lossPercent === undefined ? {} : { lossPercent: Number(lossPercent) }),
    ...(cutEverySeconds === undefined ? {} : { cutEverySeconds: Number(cutEverySeconds) }),
  });
  console.log(JSON.stringify(result));
}
