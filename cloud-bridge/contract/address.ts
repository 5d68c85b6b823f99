import { AtalayaError } from '../../device/kernel/errors.ts';
import { unitId } from './names.ts';
import { type Refused, refusedFor } from './refusal.ts';
import { contractVersion, type Topic, type TopicName, type TopicParameters, topics } from './topics.ts';

export type { RefusalReason } from './refusal.ts';

/** What a topic says. */
export type Addressed =
  | {
      readonly kind: 'known';
      readonly name: TopicName;
      readonly unit: string;
      readonly parameters: Readonly<Record<string, string>>;
    }
  | Refused;

const root = 'atalaya';
/** Characters of a topic; the longest of this contract has some 300. */
const longestTopic = 1024;

/** The topic to publish on. Throws `internal` for a unit or a parameter that is no such name. */
export function topicOf<N extends TopicName>(name: N, unit: string, parameters: TopicParameters<N>): string {
  if (!unitId.safeParse(unit).success)
    throw new AtalayaError('internal', `the unit of a topic ${name} is no unit's id`);
  const given: Readonly<Record<string, string | undefined>> = parameters;
  const levels = topics[name].path.split('/').map((level) => {
    const parameter = parameterOf(level);
    if (parameter === undefined) return level;
    const value = given[parameter];
    if (value === undefined || !fits(topics[name], parameter, value)) {
      throw new AtalayaError('internal', `${parameter} of a topic ${name} is missing or does not fit`);
    }
    return swapDots(value);
  });
  return [root, contractVersion, unit, ...levels].join('/');
}

/**
 * Takes a topic apart. Refused are: `foreign-topic`, none of ours; `unknown-version`, ours of a version that is not spoken here, which is
 * named; `unit-malformed`; `parameter-malformed`. Never throws.
 */
export function addressOf(topic: string): Addressed {
  const foreign = (detail: string) => refusedFor('foreign-topic', detail);
  if (topic.length > longestTopic) return foreign(`it has ${topic.length} characters`);
  const [first, version, unit, ...levels] = topic.split('/');
  if (first !== root || version === undefined || unit === undefined) return foreign(`it is not below ${root}/`);
  const known = unitId.safeParse(unit).success;
  if (version !== contractVersion) {
    if (!/^v[1-9][0-9]{0,3}$/.test(version)) return foreign(`it is not below ${root}/${contractVersion}/`);
    const detail = `the topic is of version ${version} of the contract, and ${contractVersion} is spoken here`;
    return refusedFor('unknown-version', detail, known ? unit : undefined);
  }
  if (!known) return refusedFor('unit-malformed', 'the third level of the topic is no id of a unit');
  return placed(unit, levels);
}

function placed(unit: string, levels: readonly string[]): Addressed {
  let almost: Refused | undefined;
  for (const { name, topic, wanted } of places) {
    const parameters = matched(wanted, levels);
    if (parameters === undefined) continue;
    const wrong = Object.entries(parameters).find(([parameter, value]) => !fits(topic, parameter, value));
    if (wrong === undefined) return { kind: 'known', name, unit, parameters };
    almost ??= refusedFor('parameter-malformed', `the level {${wrong[0]}} of ${topic.path} does not fit`, unit);
  }
  return almost ?? refusedFor('foreign-topic', 'no topic of the contract has these levels', unit);
}

/** The parameters where the fixed levels are the wanted ones; undefined where they are others. */
function matched(wanted: readonly string[], levels: readonly string[]): Record<string, string> | undefined {
  if (wanted.length !== levels.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [i, level] of wanted.entries()) {
    const found = levels[i] as string;
    const parameter = parameterOf(level);
    if (parameter !== undefined) parameters[parameter] = swapDots(found);
    else if (level !== found) return undefined;
  }
  return parameters;
}

/**
 * A dot of a parameter travels as `~`, which no parameter has, and the other way round: RabbitMQ 3.10 turns a dot of a topic into a slash,
 * and a name of a file would be two levels.
 */
function swapDots(level: string): string {
  return level.replace(/[.~]/g, (character) => (character === '.' ? '~' : '.'));
}

export interface FilterOptions {
  /** Also topics of versions that are not spoken here, so that they are seen and refused. */
  readonly anyVersion?: boolean;
}

/** The filter that covers a topic: of one unit, or of all; every parameter is open. */
export function filterOf(name: TopicName, unit?: string, options: FilterOptions = {}): string {
  return filter(topics[name].path, unit, options);
}

/**
 * The filters that cover a topic and no other: a parameter with a closed set of values is written out. `command/{name}/{id}` as one filter
 * would cover `command/{id}/reply` too, and a broker would hand a unit its own replies.
 */
export function filtersOf(name: TopicName, unit?: string, options: FilterOptions = {}): readonly string[] {
  const topic: Topic = topics[name];
  const paths = Object.entries(topic.values ?? {}).reduce<readonly string[]>(
    (open, [parameter, values]) => values.flatMap((value) => open.map((path) => path.replace(`{${parameter}}`, value))),
    [topic.path],
  );
  return paths.map((path) => filter(path, unit, options));
}

function filter(path: string, unit: string | undefined, { anyVersion = false }: FilterOptions): string {
  const levels = path.split('/').map((level) => (parameterOf(level) === undefined ? level : '+'));
  return [root, anyVersion ? '+' : contractVersion, unit ?? '+', ...levels].join('/');
}

const places = (Object.entries(topics) as unknown as readonly (readonly [TopicName, Topic])[]).map(([name, topic]) => {
  return { name, topic, wanted: topic.path.split('/') };
});

function parameterOf(level: string): string | undefined {
  return level.startsWith('{') ? level.slice(1, -1) : undefined;
}

function fits(topic: Topic, parameter: string, value: string): boolean {
  return topic.parameters?.[parameter]?.safeParse(value).success === true;
}
