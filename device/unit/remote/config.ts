import { existsSync, statfsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import type { People } from '../../../cloud-bridge/contract/people.ts';
import type { Reported } from '../../../cloud-bridge/contract/state.ts';
import { bundlesFolder } from '../../../models/contract/places.ts';
import type { Config } from '../../config/config-schema.ts';
import { ConfigKeeper } from '../../config/desired/config-keeper.ts';
import type { KeeperOptions } from '../../config/desired/keeper-options.ts';
import type { ConfigAct } from '../../config/desired/keeper-state.ts';
import type { UnitFacts } from '../../config/desired/unit-facts.ts';
import { parseVkey } from '../../evidence/log/note.ts';
import { parseRecipients } from '../../evidence/sealing/recipients.ts';
import { ruleNames } from '../../judge/infraction.ts';
import type { Clock } from '../../kernel/clock.ts';
import { makeFolders } from '../../kernel/durable-file.ts';
import type { AtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { FolderLock } from '../../kernel/folder-lock.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { sceneSchema } from '../../scene/scene-schema.ts';
import { noComponents, type UnitComponents } from '../updates/components.ts';
import { isTrusting, openPeople } from './people.ts';

/** What a running unit does for its configuration's keeper. */
export type ConfigHooks = Pick<KeeperOptions, 'apply' | 'probe' | 'prove' | 'report' | 'audit' | 'problem'>;

/** The configuration of a unit as it is in force, and who may change it from afar. */
export interface UnitConfig {
  readonly config: Config;
  readonly people: People | undefined;
  /** There is a unit now: what is on trial is tried, and what is owed is told. */
  begin(hooks: ConfigHooks): Promise<void>;
  desired(payload: Uint8Array): Promise<void>;
  tick(): Promise<void>;
  reported(): Reported | undefined;
  /** Whether a configuration is on trial; may be asked after `close`. */
  readonly onTrial: boolean;
  /** Resolves when what was asked for is carried out. Nothing more may be asked then but `fell`. */
  rest(): Promise<void>;
  /** The run has failed, which may be the doing of what is on trial. Before `close`. */
  fell(fault: AtalayaError): Promise<void>;
  /** May be called twice. */
  close(): Promise<void>;
}

/**
 * The configuration that a unit starts with: its own file, and over it what the centre has set, confirmed or on trial. Where nobody is
 * trusted (`cloud.trust`) it is the file alone. Where there is a trial this counts as one of its starts, so that nobody else does it to a
 * unit that runs. Throws `config-invalid`, `document-refused` for a trust document that does not hold, `store-locked` where another unit
 * runs with these data, and the faults of the disk.
 */
export async function openUnitConfig(
  base: Config,
  scene: string | undefined,
  clock: Clock,
  components: UnitComponents = noComponents,
): Promise<UnitConfig> {
  if (!isTrusting(base)) return fileAlone(base);
  const folder = join(base.evidence.data, 'config');
  await makeFolders(systemFiles, folder);
  const lock = await FolderLock.take(folder);
  try {
    return await openKept(base, scene, clock, folder, lock, components);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function fileAlone(config: Config): UnitConfig {
  return {
    config,
    people: undefined,
    begin: async () => {},
    desired: async () => {},
    tick: async () => {},
    reported: () => undefined,
    onTrial: false,
    rest: async () => {},
    fell: async () => {},
    close: async () => {},
  };
}

async function openKept(
  base: Config,
  scene: string | undefined,
  clock: Clock,
  folder: string,
  lock: FolderLock,
  components: UnitComponents,
): Promise<UnitConfig> {
  const people = await openPeople(base, folder, systemFiles, clock, components.trust);
  const late: { hooks: ConfigHooks | undefined } = { hooks: undefined };
  /** What went wrong before there was anybody to tell. */
  const early: AtalayaError[] = [];
  const hooks = (): ConfigHooks => {
    if (late.hooks === undefined) throw new Error('the unit has not begun');
    return late.hooks;
  };
  const keeper = await ConfigKeeper.open({
    folder,
    files: systemFiles,
    base,
    facts: await factsOf(base, scene, components),
    people: () => people,
    clock,
    timer: systemTimer,
    apply: (config, changed, needs) => hooks().apply(config, changed, needs),
    probe: (since) => hooks().probe(since),
    prove: (trial) => hooks().prove(trial),
    report: (reported) => hooks().report(reported),
    audit: (act: ConfigAct) => hooks().audit(act),
    problem: (fault: AtalayaError) => (late.hooks === undefined ? early.push(fault) : late.hooks.problem(fault)),
  });
  let closed: Promise<void> | undefined;
  return {
    config: keeper.effective(),
    people,
    begin: (given) => {
      late.hooks = given;
      for (const fault of early.splice(0)) given.problem(fault);
      return keeper.begin();
    },
    desired: (payload) => keeper.desired(payload),
    tick: () => keeper.tick(),
    reported: () => keeper.reported(),
    get onTrial() {
      return keeper.onTrial;
    },
    rest: () => keeper.close(),
    fell: (fault) => keeper.fell(fault),
    close: () => {
      closed ??= keeper.close().finally(() => lock.release());
      return closed;
    },
  };
}

/** What this unit has and can do. */
async function factsOf(base: Config, scene: string | undefined, components: UnitComponents): Promise<UnitFacts> {
  const { bsize, blocks } = statfsSync(existsSync(base.evidence.data) ? base.evidence.data : '.');
  return {
    unit: base.unit.id,
    bundles: await bundlesHere(base, components),
    rules: ruleNames,
    // The lines are simulated: there is one of every name.
    outputs: 'any',
    sceneFormats: await hasFormats(scene ?? base.scene),
    memoryBytes: totalmem(),
    diskBytes: bsize * blocks,
    cores: cpus().length,
    isRecipient: (text) => holds(() => parseRecipients([text], [])),
    isVerifierKey: (text) => holds(() => parseVkey(text)),
    hasFile: existsSync,
  };
}

async function bundlesHere({ detector, plates }: Config, { models }: UnitComponents): Promise<readonly string[]> {
  const built = await readdir(bundlesFolder).catch(() => []);
  return [...new Set([...built, ...models, detector.bundle, plates.finder, ...plates.readers])];
}

/** A scene that cannot be read is found out by whoever loads it. */
async function hasFormats(path: string | undefined): Promise<boolean> {
  if (path === undefined) return false;
  const text = await readFile(path, 'utf8').catch(() => '');
  const scene = sceneSchema.safeParse(parseDocument(text).toJS());
  return (scene.data?.plates?.formats.length ?? 0) > 0;
}

function holds(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
