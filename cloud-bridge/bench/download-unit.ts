import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemFiles } from '../../device/kernel/files.ts';
import { peakMemory } from '../../device/kernel/linux/peak-memory.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import type { Target } from '../../ota/contract/target.ts';
import { Downloads } from '../../ota/download/downloads.ts';
import type { StreamClient } from '../unit-end/updates/stream-client.ts';
import { openUnitStreams } from '../unit-end/updates/testing/mqtt-ends.ts';

/** The unit of `measureDownload`: downloads one target and prints the figures as a line of JSON. */
export interface DownloadUnit {
  readonly url: string;
  readonly unit: string;
  readonly target: Target;
}

export interface DownloadFigures {
  readonly outcome: string;
  /** From a connection that stands to a file that is durable and was hashed. */
  readonly seconds: number;
  readonly connections: number;
  /** Bytes of the process, with all that Node and the libraries take. */
  readonly peakMemory: number;
  readonly client: StreamClient['figures'];
}

const { url, unit, target } = JSON.parse(process.argv[2] ?? '{}') as DownloadUnit;
const folder = await mkdtemp(join(tmpdir(), 'atalaya-download-'));
const streams = await openUnitStreams(url, unit);
const began = performance.now();
const downloads = new Downloads({ files: systemFiles, folder, timer: systemTimer });
const outcome = await downloads.fetch(target, streams.client, {
  signal: new AbortController().signal,
  rate: () => undefined,
  progress: () => undefined,
});
const figures: DownloadFigures = {
  outcome: outcome.kind === 'refused' ? outcome.code : outcome.kind,
  seconds: (performance.now() - began) / 1000,
  connections: streams.connections(),
  peakMemory: peakMemory(),
  client: streams.client.figures,
};
console.log(JSON.stringify(figures));
await streams.close();
await rm(folder, { recursive: true });
