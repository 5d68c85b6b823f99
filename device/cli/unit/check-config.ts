import { availableParallelism, totalmem } from 'node:os';
import { openTrust, type People } from '../../../cloud-bridge/contract/people.ts';
import type { Config } from '../../config/config-schema.ts';
import { type DocumentRef, judgeDesired } from '../../config/desired/judge-desired.ts';
import { spokenAll } from '../../config/desired/refusal.ts';
import type { UnitFacts } from '../../config/desired/unit-facts.ts';
import { loadConfig } from '../../config/load-config.ts';
import { ruleNames } from '../../judge/infraction.ts';
import { systemClock } from '../../kernel/clock.ts';
import { readWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { publicKeyOf } from '../../kernel/signed/key-id.ts';

/**
 * What a file is worth, in lines: a configuration file by the schema, a signed document as the unit with the own file `base` would judge
 * it. Which model bundles and output lines there are is not looked for. Throws `config-invalid`, and `document-refused` with every reason.
 */
export async function checkConfig(
  path: string,
  base: Config,
  current: Config,
  highest: DocumentRef | undefined,
): Promise<readonly string[]> {
  const content = await readWholeFile(systemFiles, path);
  if (content === undefined) {
    throw new AtalayaError('usage-invalid', `${path} does not exist`, { hint: 'Name a file that is there.' });
  }
  if (!isDocument(content)) {
    await loadConfig(path);
    return ['a valid configuration file'];
  }
  const now = { utc: systemClock.utc(), reliable: true };
  const people = await peopleOf(base);
  const facts = await factsOf(base);
  const judged = judgeDesired(content, { unit: base.unit.id, people, base, current, highest, facts, now });
  if (judged.kind === 'known') return [`version ${judged.ref.version} was accepted here`];
  if (judged.kind === 'refused') {
    const reasons = spokenAll(judged.refusals).map((reason) => `  ${reason}`);
    throw new AtalayaError('document-refused', `this unit would refuse ${path}:\n${reasons.join('\n')}`);
  }
  const { ref, person, changed, needs } = judged;
  return [
    `version ${ref.version} fits, signed by ${person.name} (${person.role})`,
    changed.length === 0 ? 'it changes nothing' : `it changes ${changed.join(', ')}`,
    needs === 'live' ? 'applied at once' : 'applied by a start',
  ];
}

/** A document has a `schema`, a configuration file has none. */
function isDocument(content: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    return typeof value === 'object' && value !== null && 'schema' in value;
  } catch {
    return false;
  }
}

async function peopleOf({ cloud: { trust, rootKey } }: Config): Promise<People | undefined> {
  if (trust === undefined || rootKey === undefined) return undefined;
  const root = publicKeyOf(await textOf(rootKey), 'cloud.rootKey');
  return openTrust(await textOf(trust), root, { utc: systemClock.utc(), reliable: true });
}

async function textOf(path: string): Promise<string> {
  const content = await readWholeFile(systemFiles, path);
  if (content !== undefined) return content.toString('utf8');
  throw new AtalayaError('config-invalid', `${path} does not exist`, {
    hint: 'Correct cloud.trust and cloud.rootKey.',
  });
}

async function factsOf({ unit, evidence }: Config): Promise<UnitFacts> {
  // A disk that is not there yet is not held against a document.
  const space = await systemFiles.space(evidence.data).catch(() => undefined);
  return {
    unit: unit.id,
    bundles: 'any',
    rules: ruleNames,
    outputs: 'any',
    sceneFormats: true,
    memoryBytes: totalmem(),
    diskBytes: space?.total ?? Number.MAX_SAFE_INTEGER,
    cores: availableParallelism(),
  };
}
