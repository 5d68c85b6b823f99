import { type Campaigns, outcomeWords } from './campaign.ts';
import { type BadScene, changed, type MadeScenes } from './made-scenes.ts';
import type { UpdateCentre } from './update-centre.ts';
import type { Heard, SaidRecord, SaidReport, WatchedTopics } from './watched-topics.ts';

export interface SceneStage {
  readonly centre: UpdateCentre;
  readonly watched: WatchedTopics;
  readonly campaigns: Campaigns;
  readonly unit: string;
  /** Version of the program, which no scene changes. */
  readonly runs: string;
  readonly say: (words: string) => void;
  readonly expect: (holds: boolean, what: string) => void;
}

/**
 * The scene is updated alone, and what is in force is read from what the unit says to others: its version report, its self-test, the records
 * of its infractions. Then bad scenes are given to it, and it refuses each and goes on with the good one.
 */
export async function updateScenes(stage: SceneStage, { good, bad }: MadeScenes): Promise<void> {
  const { campaigns, watched, say, expect, runs } = stage;
  const from = watched.heard.length;
  const outcome = await campaigns.run({ target: good.target, runs, hold: 0.3, trial: 3 });
  outcomeWords(outcome).forEach(say);
  expect(outcome.step === 'confirmed', `${good.target} ended as ${outcome.step}`);
  expectPart(stage, 1);
  await expectJudged(stage, good.sha256, from);
  await expectTested(stage, good.sha256);
  for (const one of bad) await expectRefusal(stage, one);
  await expectJudged(stage, good.sha256, watched.heard.length);
}

/** By the program that would have to judge by it, which goes on meanwhile. */
async function expectRefusal(stage: SceneStage, { what, target, says }: BadScene): Promise<void> {
  const { campaigns, say, expect, runs } = stage;
  const back = await campaigns.run({ target, runs, hold: 0.3, trial: 1 });
  say(`the next scene ${what}`);
  outcomeWords(back).forEach(say);
  expect(back.step === 'refused', `the scene that ${what} ended as ${back.step}`);
  expect(back.interruptions.length === 0, `${target} interrupted the frame path`);
  expect(
    back.reasons.some((reason) => says.test(reason)),
    `nobody said why the scene that ${what} was given up`,
  );
  expectPart(stage, 1);
}

/** The version report names one scene, of this release. */
function expectPart({ watched, expect }: SceneStage, release: number): void {
  const parts = watched.heard.findLast(({ topic }) => topic === 'job/versions')?.content.parts ?? [];
  const scenes = parts.filter(({ kind }) => kind === 'scene').map((one) => one.release);
  expect(scenes.join() === String(release), `the version report names scenes of release ${scenes.join() || 'none'}`);
}

/** Signed records, as they come from the unit, name the scene and hold its lanes and its limit. */
async function expectJudged({ watched, say, expect }: SceneStage, sha256: string, from: number): Promise<void> {
  const isOfIt = (record: SaidRecord): boolean => record.provenance?.scene?.sha256 === sha256;
  const heard = await watched.until(
    'an infraction by the new scene',
    (one) => recordsIn(one).some(isOfIt),
    120_000,
    from,
  );
  const record = recordsIn(heard).find(isOfIt);
  const words = JSON.stringify(record?.auxiliary?.calibration ?? {});
  say(`  an infraction of lane ${record?.infraction?.lane ?? '-'} names scene ${sha256.slice(0, 8)}`);
  expect(
    words.includes(`"${changed.lane}"`) && !words.includes(`"${changed.before}"`),
    'a record does not hold the lanes of the scene that it names',
  );
  const limits = watched.heard
    .flatMap(recordsIn)
    .filter(isOfIt)
    .flatMap(({ infraction }) => infraction?.measured?.limitKmh ?? []);
  if (limits.length > 0) say(`  speeding is charged from ${[...new Set(limits)].join(', ')} km/h`);
  expect(
    limits.every((limit) => limit === changed.limitKmh),
    `a record of the scene has a limit of ${limits.join(', ')} km/h`,
  );
}

/** The unit's own self-test, asked for by Ana, names the scene, and finds the camera where its references say. */
async function expectTested({ watched, centre, unit, say, expect }: SceneStage, sha256: string): Promise<void> {
  const from = watched.heard.length;
  const asked = centre.fleet('command', 'self-test', unit, '--wait', '120').catch((error: unknown) => String(error));
  const report = ({ content: { result } }: Heard): SaidReport | undefined => result?.report;
  const heard = await watched.until('the self-test', (one) => report(one)?.scene !== undefined, 120_000, from);
  await asked;
  const { scene, findings = [] } = report(heard) ?? {};
  const place = findings.find(({ check }) => check === 'place');
  say(
    `  the self-test names scene ${scene?.name} ${scene?.sha256.slice(0, 8)}; place: ${place?.outcome}, ${place?.says}`,
  );
  expect(scene?.sha256 === sha256, `the self-test names scene ${scene?.sha256}`);
  expect(place?.outcome === 'passed', `the camera is not where the scene's references say: ${place?.says}`);
}

const recordsIn = ({ topic, content }: Heard): readonly SaidRecord[] =>
  topic === 'event/infraction' ? (content.events ?? []).flatMap(({ data }) => data?.record ?? []) : [];
