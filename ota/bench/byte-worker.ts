import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { answerJob } from '../../device/bench/job-process.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { peakMemory } from '../../device/kernel/linux/peak-memory.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { systemTreeFiles } from '../../device/kernel/tree-files.ts';
import { compressArchive } from '../archive/compressed.ts';
import { Installer } from '../archive/installer.ts';
import { type VirtualArchive, virtualArchive } from '../archive/virtual-archive.ts';
import type { Installed } from '../contract/parts.ts';
import { reasonOf, type UpdateRefused } from '../contract/refusals.ts';
import { Downloads } from '../download/downloads.ts';
import { FolderSource } from '../download/folder-source.ts';
import { makePatch } from '../patch/make-patch.ts';
import type { Job, JobResult } from './byte-jobs.ts';

/** Does one job and ends. */

const { signal } = new AbortController();
const installer = new Installer(systemTreeFiles, { cpu: 'x64' });

async function work(job: Job): Promise<void> {
  switch (job.kind) {
    case 'archive':
      return write(job.folder, job.out, (archive) => archive.bytes());
    case 'whole':
      return write(job.folder, job.out, (archive) => compressArchive(archive.bytes(), { level: job.level }));
    case 'make':
      await makePatch({ base: job.base, result: job.result, out: job.out, scratch: job.scratch, signal });
      return;
    case 'apply':
      return installed(await installer.patch(job.target, job.patch, job.base, job.folder, signal));
    case 'install':
      return install(job);
    case 'idle':
      return;
  }
}

async function write(
  folder: string,
  out: string,
  bytesOf: (archive: VirtualArchive) => AsyncIterable<Uint8Array>,
): Promise<void> {
  const archive = await virtualArchive(systemTreeFiles, folder);
  if ('kind' in archive) throw new AtalayaError('internal', reasonOf(archive));
  await pipeline(bytesOf(archive), createWriteStream(out));
  await archive.close();
}

async function install({ target, source, folder }: Extract<Job, { kind: 'install' }>): Promise<void> {
  const downloads = new Downloads({ files: systemTreeFiles, folder: `${folder}-downloads`, timer: systemTimer });
  const fetched = await downloads.fetch(target, new FolderSource({ folder: source, timer: systemTimer }), {
    ...{ signal, rate: () => undefined, progress: () => undefined },
  });
  if (fetched.kind !== 'complete')
    throw new AtalayaError('internal', fetched.kind === 'refused' ? reasonOf(fetched) : 'stopped');
  installed(await installer.unpack(target, fetched.path, folder, signal));
}

function installed(outcome: Installed | UpdateRefused): void {
  if (outcome.kind === 'refused') throw new AtalayaError('internal', reasonOf(outcome));
}

answerJob(async (job: Job): Promise<JobResult> => {
  const began = performance.now();
  await work(job);
  const seconds = (performance.now() - began) / 1000;
  return { seconds, peak: peakMemory() };
});
