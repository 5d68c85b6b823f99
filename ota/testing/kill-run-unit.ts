import { appendFileSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blockStep } from '../../cloud-bridge/contract/stream.ts';
import { type Clock, sleep } from '../../device/kernel/clock.ts';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { FolderLock } from '../../device/kernel/folder-lock.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import { systemTreeFiles } from '../../device/kernel/tree-files.ts';
import { milliseconds, utcMilliseconds } from '../../device/kernel/units.ts';
import { Installer } from '../archive/installer.ts';
import { partFolder } from '../contract/slots.ts';
import { Downloads } from '../download/downloads.ts';
import { FolderSource } from '../download/folder-source.ts';
import { FolderSlots } from '../slots/folder-slots.ts';
import { launchedBy } from '../slots/launch-environment.ts';
import { TrustKeeper } from '../trust/trust-keeper.ts';
import { UpdateHistory } from '../update/update-history.ts';
import { UpdateKeeper } from '../update/update-keeper.ts';
import { showStanding } from '../update/update-standing.ts';
import { isBroken, killedUnit, speed } from './killed-unit.ts';

/**
 * The program of the units that `kill-run.ts` kills: the update of a unit, on real folders, and nothing else of one. Its time goes faster than
 * that of the machine. First it says whether what was started is whole.
 */
const launched = launchedBy(process.env);
if (launched === undefined) throw new Error('it is started by the launcher');
const { root, image, running } = launched;
const world = join(root, '..');
const files = systemTreeFiles;
const say = (line: string) => appendFileSync(join(world, 'lives'), `${line}\n`);

const { epoch, began } = JSON.parse(readFileSync(join(world, 'time.json'), 'utf8')) as { epoch: number; began: number };
const monotonic = () => milliseconds((Date.now() - began) * speed);
const clock: Clock = {
  utc: () => utcMilliseconds(epoch + monotonic()),
  monotonic,
  state: () => ({ source: 'system', synchronised: true, dated: true, intervalError: milliseconds(1) }),
};
const timer: Timer = { sleep: (time, signal) => sleep(milliseconds(time / speed), signal) };

const slots = new FolderSlots({ files, root, image, running });
const view = (await slots.state()).running;
const installer = new Installer(files, { cpu: 'x64' });
const never = new AbortController().signal;
for (const part of view.record?.parts ?? []) {
  const found = await installer.digest(join(root, running, partFolder(part)), never);
  if (found !== part.tree) say(`damaged ${running} ${part.kind}/${part.name}`);
}
const release = view.record?.parts[0]?.release ?? 0;
say(`start ${running} ${release} ${launched.trial ? 'trial' : 'confirmed'}`);

const lock = await FolderLock.take(root);
for (const folder of ['trust', 'floors', 'scratch', 'downloads']) await makeFolders(files, join(world, folder));
const late: { keeper: UpdateKeeper | undefined } = { keeper: undefined };
const roots = async (name: string) => readFile(join(world, `${name}.root.json`));
const trust = await TrustKeeper.open({
  folder: join(world, 'trust'),
  floors: join(world, 'floors'),
  scratch: join(world, 'scratch'),
  roots: { image: await roots('image'), director: await roots('director') },
  unit: killedUnit,
  hardware: ['x64'],
  running: view.record?.parts ?? [],
  clock,
  clockGood: () => true,
  begunJob: () => (late.keeper?.newestJob?.begun === true ? late.keeper.newestJob.id : undefined),
  files,
});
const centre = new FolderSource({ folder: join(world, 'centre'), timer });
const stop = new AbortController();
late.keeper = new UpdateKeeper({
  unit: killedUnit,
  image: { version: '0.0.0', release: 0 },
  trust,
  downloads: new Downloads({
    files,
    folder: join(world, 'downloads'),
    timer,
    flushing: { bytes: blockStep, after: milliseconds(1000) },
  }),
  installer,
  slots,
  history: await UpdateHistory.open(files, root),
  files,
  root,
  link: () => ({
    name: 'the centre',
    metadata: (path, most) => centre.metadata(path, most),
    // In small pieces, so that a kill finds a download half done.
    blocks: (path, wanted, sink, signal) =>
      centre.blocks(
        path,
        wanted,
        {
          lengthIs: (bytes) => sink.lengthIs(bytes),
          take: async (offset, bytes) => {
            for (let at = 0; at < bytes.byteLength && !signal.aborted; at += blockStep) {
              const piece = bytes.subarray(at, at + blockStep);
              say(`served ${piece.byteLength}`);
              await sink.take(offset + at, piece);
              await sleep(milliseconds(30));
            }
          },
        },
        signal,
      ),
  }),
  stick: (folder) => new FolderSource({ folder, timer }),
  selfTest: async () => ({
    troubles: isBroken(release) ? [{ code: 'camera', says: 'no frames arrive', vital: true }] : [],
  }),
  restart: async (reason) => {
    say(`restart ${reason}`);
    stop.abort();
  },
  report: async ({ job, step, reasons }) => say(`report ${job ?? '-'} ${step} ${reasons.join('; ')}`),
  show: (standing) => showStanding(files, root, standing),
  limits: () => ({ windows: [] }),
  clock,
  clockGood: () => true,
  timer,
  random: Math.random,
  tell: (words, error) => say(`told ${words}${error instanceof Error ? `: ${error.message}` : ''}`),
});
// The director has a new job every few moments.
const asking = setInterval(() => late.keeper?.notified(), 300);
await late.keeper.run(stop.signal);
clearInterval(asking);
await lock.release();
