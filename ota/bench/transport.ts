import { measureBareStream } from '../../cloud-bridge/bench/bare-stream.ts';
import { type DownloadResult, type DownloadTrial, measureDownload } from '../../cloud-bridge/bench/measure-download.ts';
import type { Figure } from '../../device/bench/figure.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { median } from './median.ts';

export interface Throughput {
  readonly roundTripMs: number;
  /** Bytes a second, of each round. */
  readonly bare: readonly number[];
  readonly ours: readonly number[];
}

const roundTrips = [0, 50];
/** Bytes sent twice at most, in per cent of the file. */
const twiceBar = 3;

/**
 * A file of so many bytes that is asked for, made durable and hashed, against blocks of 64 KiB that nobody asks for or keeps, in turns over the same
 * way and the same kind of broker.
 */
export async function measureThroughput(
  bytes: number,
  rounds: number,
  say: (text: string) => void,
): Promise<readonly Throughput[]> {
  const found: Throughput[] = [];
  for (const roundTripMs of roundTrips) {
    say(`# ota: ${bytes / 1e6} MB at a round trip of ${roundTripMs} ms, ${rounds} times each`);
    const [bare, ours]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      bare.push((await measureBareStream(bytes, roundTripMs)).bytesPerSecond);
      ours.push((await whole({ bytes, delayMs: roundTripMs })).bytesPerSecond);
    }
    found.push({ roundTripMs, bare, ours });
  }
  return found;
}

export function throughputFigures(found: readonly Throughput[]): readonly Figure[] {
  return found.flatMap(({ roundTripMs, bare, ours }) => {
    const at = `at ${roundTripMs} ms`;
    const [plain, asked] = [median(bare), median(ours)];
    const all = (rates: readonly number[]) => rates.map((rate) => (rate / 1e6).toFixed(1)).join(', ');
    return [
      { ...mega(`bare QoS 0 stream ${at}`, plain), ratio: `of ${all(bare)}` },
      { ...mega(`download ${at}`, asked), ratio: `${(asked / plain).toFixed(2)} of bare; of ${all(ours)}` },
    ];
  });
}

const mega = (name: string, rate: number): Figure => ({
  ...{ section: 'ota', name, value: rate / 1e6, unit: 'MB/s' },
});

/** 200 kbit/s, a round trip of 300 ms, 5 % of packets lost, a cut every 20 seconds. */
export const shapedTrial = (bytes: number): DownloadTrial => ({
  ...{ bytes, delayMs: 300, rateKbit: 200, lossPercent: 5, cutEverySeconds: 20 },
});

export function shapedFigures(bytes: number, result: DownloadResult): readonly Figure[] {
  const { seconds, twicePercent, cuts, outcome, wire } = result;
  const below =
    wire === undefined
      ? ''
      : `; ${((100 * wire.down) / bytes - 100).toFixed(1)} % more than the file on the wire, with headers; of its payload ${((100 * wire.payloadAgain) / wire.payload).toFixed(1)} % was sent again by TCP`;
  return [
    {
      ...{ section: 'ota', name: `shaped link: ${bytes / 1e6} MB`, value: seconds, unit: 's' },
      ratio: `${outcome}, ${cuts} cuts, ${((8 * bytes) / 1000 / seconds).toFixed(0)} of 200 kbit/s${below}`,
    },
    {
      ...{ section: 'ota', name: 'shaped link: sent twice', value: twicePercent, unit: '%' },
      ratio: `bar ${twiceBar}${twicePercent < twiceBar ? '' : ': MISSED'}`,
    },
  ];
}

export async function whole(trial: DownloadTrial): Promise<DownloadResult> {
  const result = await measureDownload(trial);
  if (result.outcome !== 'complete') throw new AtalayaError('internal', `the download ended with ${result.outcome}`);
  return result;
}
