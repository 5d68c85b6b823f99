import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callProgram } from '../../../device/testing/call-program.ts';
import type { Target } from '../../../ota/contract/target.ts';
import {
  type Heard,
  isEnd,
  isJob,
  isOnline,
  type WatchedTopics,
} from '../../../ota/testing/real-update/watched-topics.ts';
import type { HostCentre } from './host-centre.ts';
import type { MadeReleases } from './made-releases.ts';
import { type StreetUnit, unitName } from './street-unit.ts';

export interface UpdateShow {
  readonly unit: StreetUnit;
  readonly centre: HostCentre;
  readonly releases: MadeReleases;
  readonly work: string;
  readonly tell: (line: string) => void;
}

/**
 * An emulated processor takes a minute for what a board does in seconds, and several where others want this machine too: to the end of an update
 * 11 minutes passed at a load of 8, and 29 at one of 17.
 */
const patience = 5_400_000;
/** The self-test holds for a minute; an hour is there for it, and two starts that a watchdog may end. */
const trial = ['--hold', '1', '--trial', '60', '--starts', '3'];
/** Share of the download after which the power is cut. */
const cutAfter = 0.4;

/**
 * Updates a unit that runs the program of its image, over its own link: to a release that is good, by a patch, which it confirms by itself; then
 * to one that crashes, whole, with the power cut while it comes down, which launcher and systemd give up. Gives what is not as it has to be.
 */
export async function updateByAir(show: UpdateShow): Promise<readonly string[]> {
  const { unit, centre, releases, tell } = show;
  const faults: string[] = [];
  const expect = (holds: boolean, what: string): void => {
    if (!holds) faults.push(what);
  };
  const { image, good, patch, broken } = releases;
  const watched = await centre.watch(unitName);
  try {
    const runs = (version: string) => (heard: Heard) =>
      heard.topic === 'job/versions' && heard.content.parts?.[0]?.version === version;
    const first = await watched.until('it says what it runs', runs(image.version), patience);
    const [part] = first.content.parts ?? [];
    expect(part?.release === image.release, `it says that it runs release ${part?.release}`);
    tell(`runs ${image.version}, release ${image.release}, of its image`);

    const confirmed = await campaign(show, watched, good, '0.2.0');
    tell(`${good.target}: ${confirmed.words}`);
    expect(confirmed.step === 'confirmed', `0.2.0 ended as ${confirmed.step}`);
    expect(
      confirmed.bytes === patch.length,
      `${confirmed.bytes} bytes were to come, and the patch has ${patch.length}`,
    );

    const given = await campaign(show, watched, broken, '0.2.0', async (from) => {
      const far = ({ content: { progress } }: Heard): boolean =>
        progress !== undefined && progress.done >= cutAfter * progress.total && progress.done < progress.total;
      const { content } = await watched.until('half of it is there', (one) => isJob(one) && far(one), patience, from);
      await unit.machine.cut();
      const cut = performance.now();
      tell(`power cut after ${megabytes(content.progress?.done ?? 0)} of ${megabytes(content.progress?.total ?? 0)}`);
      const since = watched.heard.length;
      await unit.startEnrolled();
      const on = (one: Heard): boolean => isJob(one) && one.content.progress !== undefined;
      const next = await watched.until('it goes on', on, patience, since);
      const at = next.content.progress?.done ?? 0;
      tell(`went on at ${megabytes(at)}, ${((performance.now() - cut) / 1000).toFixed(0)} s after the cut`);
      expect(at > 0, 'the download began again from zero');
    });
    tell(`${broken.target}: ${given.words}`);
    expect(given.step === 'rolled-back', `the broken one ended as ${given.step}`);
  } finally {
    await watched.close();
  }
  return faults;
}

interface Ended {
  readonly step: string;
  /** Of the file that was chosen. */
  readonly bytes: number;
  readonly words: string;
}

/** One rollout over the one unit, watched to its end, after which `runs` runs. */
async function campaign(
  { centre }: UpdateShow,
  watched: WatchedTopics,
  { target }: Target,
  runs: string,
  meanwhile: (from: number) => Promise<void> = async () => undefined,
): Promise<Ended> {
  const from = watched.heard.length;
  const began = Date.now();
  const before = watched.heard.findLast(isEnd)?.content.job;
  const group = ['--group', `all=${unitName}`, '--deadline', '180', '--yes'];
  await centre.fleet('rollout', 'start', '--update', target, ...group, ...trial);
  await meanwhile(from);
  const end = await watched.until(
    `the end of ${target}`,
    (heard) => isEnd(heard) && heard.content.job !== before,
    patience,
    from,
  );
  await watched.until(`${runs} runs`, (heard) => isOnline(heard, runs), patience, from);
  // After a start it may say once more what became of the one before.
  const jobs = watched.heard.slice(from).filter((heard) => isJob(heard) && heard.content.job === end.content.job);
  const bytes = Math.max(0, ...jobs.map(({ content }) => content.progress?.total ?? 0));
  const steps = new Map<string, number>();
  for (const { at, content } of jobs) if (!steps.has(content.step ?? '')) steps.set(content.step ?? '', at);
  const times = [...steps].map(([step, at]) => `${step} at ${((at - began) / 1000).toFixed(0)} s`).join(', ');
  const gap = jobs.findLast(({ content }) => content.interruptionS !== undefined)?.content.interruptionS;
  const gone = gap === undefined ? '' : `; no frame for ${gap.toFixed(1)} s`;
  const reasons = (end.content.reasons ?? []).map((one) => `; ${one}`).join('');
  return { step: String(end.content.step), bytes, words: `${times}; ${size(bytes)} to come${gone}${reasons}` };
}

/** What a machine that was switched off has on its disk afterwards: the slots, the evidence, what was downloaded. Gives what is wrong there. */
export async function lookAfterUpdates({ unit, centre, releases, work, tell }: UpdateShow): Promise<readonly string[]> {
  const pinned = join(work, 'pinned-after-updates.vkey');
  writeFileSync(pinned, `${await centre.keyOf(unitName)}\n`);
  await unit.machine.cut();
  const data = await unit.machine.data();
  const folder = await data.copy('/unit', join(work, 'unit-after-updates'));
  const faults: string[] = [];
  const says = async (name: string): Promise<string> => (await data.ask(`cat /program/${name}`)).trim();
  const [confirmed, rolledBack] = [await says('confirmed'), await says('rolled-back')];
  if (!/^a( image)?$/.test(confirmed)) faults.push(`confirmed: ${confirmed}`);
  if (!rolledBack.startsWith('b ')) faults.push(`rolled-back: ${rolledBack}`);
  const files = releases.patch.length + releases.broken.length;
  const { bytes } = JSON.parse(await says('update.json')) as { readonly bytes?: { readonly bytes: number } };
  // What came since the count was last written down is missing in it after a power cut.
  tell(`${megabytes(bytes?.bytes ?? 0)} were downloaded in all, by its own count; both files have ${megabytes(files)}`);
  const verified = await callProgram('audit', ['verify', join(folder, 'evidence'), '--key', pinned]).catch(
    (error: unknown) => {
      faults.push(
        `the evidence on the disk does not verify: ${String((error as { stdout?: string }).stdout ?? error)}`,
      );
    },
  );
  if (verified !== undefined)
    tell(`evidence on the disk: ${/^\d+ entries,.*$/m.exec(verified.out)?.[0] ?? 'verified'}`);
  return faults;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
const size = (bytes: number): string => (bytes < 1e5 ? `${bytes} bytes` : megabytes(bytes));
