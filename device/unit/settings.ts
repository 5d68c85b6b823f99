import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { Launched } from '../../ota/slots/launch-environment.ts';
import type { Config } from '../config/config-schema.ts';
import { defaultConfig, loadConfig } from '../config/load-config.ts';
import { recipientOf } from '../evidence/sealing/identity.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { sha256 } from '../kernel/hash.ts';
import { readIdentities } from './pictures.ts';
import { openComponents, type UnitComponents } from './updates/components.ts';

/** What a person asked for on the command line; it goes before the configuration. Relative paths start at the working folder. */
export interface RunRequest {
  readonly config?: string;
  readonly source?: string;
  readonly scene?: string;
  readonly data?: string;
  readonly events?: string;
  readonly report?: string;
  readonly truth?: string;
  readonly pace?: string;
  /** Date and time of the source's first frame, ISO 8601. */
  readonly started?: string;
  /** File with the authority's identity, for trials. */
  readonly identity?: string;
}

/** Everything that a run needs to know, complete. */
export interface RunSettings {
  readonly config: Config;
  /** SHA-256 of the settings in force, as canonical JSON: what evidence names, whether they came from a file or from flags. */
  readonly sha256: string;
  /** A recording; undefined where the camera of the configuration is watched. */
  readonly source: string | undefined;
  /** That of an update before that of the configuration, which keeps its own: what it is called by must not depend on a slot. */
  readonly scene: string;
  /** What the camera saw when that scene was calibrated. */
  readonly references: string | undefined;
  readonly events: string | undefined;
  readonly report: string;
  readonly truth: string | undefined;
  /** Who can open the pictures besides what the configuration says; where it says nothing, the identity's own. */
  readonly recipients: readonly string[];
  /** What opens the pictures for the report: of a trial alone, no unit at a road is given them. */
  readonly identities: readonly string[] | undefined;
  readonly components: UnitComponents;
  /** What the launcher said; undefined where somebody else started the program: it takes no updates then. */
  readonly launched: Launched | undefined;
}

/** Throws `config-invalid`, `usage-invalid`, and `bundle-invalid` for components of a slot that contradict one another. */
export async function settle(request: RunRequest, launched?: Launched): Promise<RunSettings> {
  const components = await openComponents(launched?.components);
  const file = request.config === undefined ? defaultConfig() : await loadConfig(request.config);
  const { pace } = request;
  if (pace !== undefined && pace !== 'timestamps' && pace !== 'flat-out') {
    throw new AtalayaError('usage-invalid', `--pace is ${pace}`, { hint: 'Give timestamps or flat-out.' });
  }
  const { started } = request;
  if (started !== undefined && !z.iso.datetime({ offset: true }).safeParse(started).success) {
    throw new AtalayaError('usage-invalid', `--started is ${started}`, {
      hint: 'Give a date such as 2026-03-01T12:00:00Z.',
    });
  }
  const source = request.source === undefined ? file.source.path : located(request.source);
  const asked = request.scene === undefined ? file.scene : resolve(request.scene);
  const updated = request.scene === undefined ? components.scene : undefined;
  const scene = updated?.scene ?? asked;
  const data = resolve(request.data ?? file.evidence.data);
  const config: Config = {
    ...file,
    source: {
      ...file.source,
      ...(source === undefined ? {} : { path: source }),
      ...(pace === undefined ? {} : { pace }),
      ...(started === undefined ? {} : { startedAt: started }),
    },
    ...(asked === undefined ? {} : { scene: asked }),
    evidence: { ...file.evidence, data },
  };
  await refuseFile(data);
  const identities = request.identity === undefined ? undefined : await readIdentities(resolve(request.identity));
  const own = await Promise.all((identities ?? []).map(recipientOf));
  const { authority } = config.evidence;
  if (identities !== undefined && authority.length > 0) needKey(own, authority);
  if (request.report !== undefined) await needFolder(dirname(resolve(request.report)));
  return {
    config,
    sha256: sha256(canonicalJson(config)),
    source: config.source.camera === undefined ? needed(source, 'source', 'source.path or source.camera') : source,
    scene: await placeOf(needed(scene, 'scene', 'scene')),
    references: updated?.references ?? file.references,
    events: request.events === undefined ? undefined : resolve(request.events),
    report: resolve(request.report ?? `${data}/report.html`),
    truth: request.truth === undefined ? undefined : resolve(request.truth),
    recipients: authority.length > 0 ? [] : own,
    identities,
    components,
    launched,
  };
}

/** `current` may be switched while the unit starts: what is judged by and what evidence names has to be one file. */
const placeOf = (path: string): Promise<string> => realpath(path).catch(() => path);

/** A data folder that is a file would be found out by the lock, in words about disks. */
async function refuseFile(data: string): Promise<void> {
  const found = await stat(data).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return;
  throw new AtalayaError('usage-invalid', `the data folder ${data} is a file`, {
    hint: 'Give --data a folder, or a name that is not taken.',
  });
}

/** An identity that opens none of the pictures would be found out by the report, after the run. */
function needKey(own: readonly string[], authority: readonly string[]): void {
  if (own.some((recipient) => authority.includes(recipient))) return;
  throw new AtalayaError(
    'key-wrong',
    'the identity of --identity opens nothing: its recipient is not in evidence.authority',
    {
      hint: `Give the authority's identity, or leave --identity out; this one is of ${own.join(', ')}.`,
    },
  );
}

/** Better before the run than after it. */
async function needFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new AtalayaError('usage-invalid', `there is no folder ${folder} for the report`, {
    hint: 'Make it, or give --report another place.',
  });
}

function needed(value: string | undefined, flag: string, field: string): string {
  if (value !== undefined) return value;
  throw new AtalayaError('usage-invalid', `nothing says which ${flag} to take`, {
    hint: `Give --${flag}, or ${field} in the configuration file.`,
  });
}

/** A path against the working folder; an address stays what it is, to be refused as one. */
function located(source: string): string {
  return source.includes('://') ? source : resolve(source);
}
