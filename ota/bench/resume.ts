import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { openRelay } from '../../cloud-bridge/bench/sync-relay-process.ts';
import { Line } from '../../cloud-bridge/chaos/line.ts';
import { startMosquitto } from '../../cloud-bridge/testing/start-mosquitto.ts';
import { openCentreEnd, openUnitStreams } from '../../cloud-bridge/unit-end/updates/testing/mqtt-ends.ts';
import { memoryFiles } from '../../cloud-bridge/unit-end/updates/testing/streamed.ts';
import type { Figure } from '../../device/bench/figure.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { systemFiles } from '../../device/kernel/files.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { targetPath } from '../contract/repository.ts';
import type { Target } from '../contract/target.ts';
import { Downloads } from '../download/downloads.ts';

export interface Resumed {
  readonly bytes: number;
  readonly cuts: number;
  readonly seconds: number;
  /** Bytes of blocks that the centre published; of those on their way at a cut, what the broker still held never went out. */
  readonly published: number;
  /** Bytes that the unit had already when they came. */
  readonly twice: number;
}

const roundTripMs = 50;
const unit = 'unit-7';

/** A download over Mosquitto at full speed, cut so often after equal numbers of bytes. Throws `program-missing`. */
export async function measureResumes(bytes: number, cuts: number, folder: string): Promise<Resumed> {
  const broker = await startMosquitto({ extra: 'log_type error\n' });
  if (broker === undefined) throw new AtalayaError('program-missing', 'mosquitto is not installed');
  await using open = new AsyncDisposableStack();
  open.defer(() => broker.stop());
  const content = randomBytes(bytes);
  const target = targetOf(content);
  const centre = await openCentreEnd(broker.url, 'bridge-1', memoryFiles(new Map([[targetPath(target), content]])));
  open.defer(() => centre.close());
  const relay = await openRelay(broker.port, roundTripMs);
  open.defer(() => relay.stop());
  const line = await Line.open('127.0.0.1', relay.port);
  open.defer(() => line.close());
  const streams = await openUnitStreams(`mqtt://127.0.0.1:${line.port}`, unit);
  open.defer(() => streams.close());
  open.defer(() => rm(folder, { recursive: true, force: true }));
  const portion = Math.floor(bytes / (cuts + 1));
  let armed = 0;
  const arm = () => {
    if (armed >= cuts || armed > line.cuts) return;
    armed += 1;
    line.cutAfter('down', portion);
  };
  arm();
  const arming = setInterval(arm, 5);
  open.defer(() => clearInterval(arming));
  const began = performance.now();
  const fetched = await new Downloads({ files: systemFiles, folder, timer: systemTimer }).fetch(
    target,
    streams.client,
    {
      signal: new AbortController().signal,
      rate: () => undefined,
      progress: () => undefined,
    },
  );
  if (fetched.kind !== 'complete') throw new AtalayaError('internal', `the download ended with ${fetched.kind}`);
  const seconds = (performance.now() - began) / 1000;
  const { receivedTwice } = streams.client.figures;
  return { bytes, cuts: line.cuts, seconds, published: centre.server.figures.bytes, twice: receivedTwice };
}

export function resumeFigures({ bytes, cuts, seconds, published, twice }: Resumed): readonly Figure[] {
  const times = (published / bytes).toFixed(4);
  return [
    {
      ...{ section: 'ota', name: `block-resume: whole target, cut ${cuts} times`, value: published, unit: 'bytes' },
      ratio: `${times} of its length, with what was on its way at a cut; ${twice} bytes came twice; ${seconds.toFixed(0)} s`,
    },
  ];
}

function targetOf(content: Buffer): Target {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const tree = { sha256, length: Math.max(1024, content.byteLength) };
  const description = { kind: 'program', name: 'unit', version: '1', release: 1, hardware: ['x64'], tree } as const;
  return {
    ...{ target: 'unit-1-r1-x64.tar.zst', length: content.byteLength, sha256 },
    description: { ...description, hardware: ['x64'] },
  };
}
