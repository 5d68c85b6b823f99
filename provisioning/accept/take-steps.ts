import type { Clock } from '../../device/kernel/clock.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import { milliseconds, toIso } from '../../device/kernel/units.ts';
import type { SelfTestReport } from '../../device/selftest/contract/self-test-report.ts';
import type { EvidenceProof, LineTrial } from './acceptance.ts';
import { watchWords } from './line-words.ts';
import {
  isExpired,
  type Means,
  nextStep,
  type Progress,
  type Step,
  testHoldsMinutes,
  withoutFaulty,
} from './plan-acceptance.ts';
import { type Asks, answered, asksYes } from './questions.ts';

/**
 * The unit, as far as an acceptance asks it. Each call ends in time: throws `deadline-exceeded` where the unit does not answer,
 * `act-refused` where it, or the centre, will not.
 */
export interface TestedUnit {
  selfTest(wish: { readonly pulse?: readonly string[]; readonly seal?: boolean }): Promise<SelfTestReport>;
  /** A JPEG, bystanders masked. */
  snapshot(): Promise<Buffer>;
  /** Looks for the entry at the centre, and verifies it there. */
  prove(evidence: NonNullable<SelfTestReport['evidence']>): Promise<EvidenceProof>;
}

export interface AcceptanceTools {
  /** Absent where no centre is in reach. */
  readonly unit?: TestedUnit;
  readonly asks?: Asks;
  /** What `atalaya-unit selftest --out` wrote, and a picture of this camera. */
  readonly report?: () => Promise<SelfTestReport>;
  readonly picture?: () => Promise<Buffer>;
  /** Whether lines are tried. */
  readonly lines: boolean;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly signal: AbortSignal;
  /** How long an input may take to change once the person was asked to change it. */
  readonly lineWaitS: number;
  /** Puts the picture into its folder, durably, and says where it lies. */
  keepPicture(content: Buffer): Promise<void>;
  readonly picturePath: string;
  /** Makes the progress durable. */
  keep(now: Progress): Promise<void>;
  say(text: string): void;
  /** What to do about a fault of the self-test, by its code. */
  remedy(code: string): string | undefined;
}

/** Goes from step to step until there is nothing left to do. Whatever ends it early, what was done is kept. */
export async function takeSteps(from: Progress, tools: AcceptanceTools): Promise<Progress> {
  const means: Means = {
    centre: tools.unit !== undefined,
    person: tools.asks !== undefined,
    report: tools.report !== undefined,
    picture: tools.picture !== undefined,
    lines: tools.lines,
  };
  let now = from;
  const bench: Bench = { ...tools, shown: new Set() };
  for (;;) {
    tools.signal.throwIfAborted();
    const step = nextStep(now, means);
    if (step.kind === 'conclude') return now;
    now = await execute(step, now, bench);
    await tools.keep(now);
  }
}

/** What the steps of one call share. */
interface Bench extends AcceptanceTools {
  /** What the last test found, which the person was shown: of the next one only what is another is. */
  readonly shown: Set<string>;
}

type Executors = {
  readonly [K in Exclude<Step['kind'], 'conclude'>]: (
    step: Extract<Step, { readonly kind: K }>,
    now: Progress,
    tools: Bench,
  ) => Promise<Progress>;
};

const executors: Executors = {
  test: async (_, now, tools) => {
    const { unit, report } = tools;
    tools.say(`${now.unit} tests itself ...`);
    const asked = tools.clock.utc();
    if (unit !== undefined) return withTest(now, await unit.selfTest({}), tools, asked);
    if (report === undefined)
      throw new AtalayaError('internal', 'a test is planned, and there is nobody to ask for it');
    return withTest(now, await report(), tools, undefined);
  },
  picture: async (_, now, tools) => {
    const content = await (tools.picture ?? (() => needed(tools).snapshot()))();
    await tools.keepPicture(content);
    return { ...now, picture: { sha256: sha256(content), taken: isoNow(tools), good: null } };
  },
  look: async (_, now, tools) => {
    tools.say(`Look at the picture: ${tools.picturePath}`);
    const good = await asksYes(tools.asks, 'Is it sharp, and does it show the whole of the road?');
    return now.picture === null ? now : { ...now, picture: { ...now.picture, good } };
  },
  pulse: async ({ line }, now, tools) => {
    tools.say(`Watch ${line.name} (${line.role}): within some seconds it goes on and off.`);
    const { findings } = await reportOf(now, tools, { pulse: [line.name] });
    const fault = findings.find(
      (one) => one.check === 'lines' && one.subject === line.name && one.outcome === 'failed',
    );
    if (fault !== undefined) return withTrial(now, tools, { name: line.name, outcome: 'stuck', says: fault.says });
    const worked = await asksYes(tools.asks, `Did ${line.name} (${line.role}) go on and off?`);
    return withTrial(now, tools, {
      name: line.name,
      outcome: worked ? 'works' : 'stuck',
      says: worked ? 'it was switched, and seen' : 'it was switched, and the person saw nothing of it',
    });
  },
  watch: async ({ line }, now, tools) => withTrial(now, tools, await watchInput(line, now, tools)),
  seal: async (_, now, tools) => {
    tools.say(`${now.unit} seals test evidence ...`);
    const asked = tools.clock.utc();
    const report = await needed(tools).selfTest({ seal: true });
    if (report.evidence === undefined && report.outcome !== 'failed') {
      const why = report.findings.find(({ check }) => check === 'evidence')?.says ?? 'it does not say why';
      throw new AtalayaError('act-refused', `${now.unit} sealed no test evidence: ${why}`, {
        hint: 'Look at its settings of evidence (evidence.data, evidence.authority); then make the same call again, which goes on from here.',
      });
    }
    return withTest(now, report, tools, asked);
  },
  prove: async ({ evidence }, now, tools) => {
    tools.say(`Looking for the test evidence ${evidence.id} at the centre ...`);
    return { ...now, evidence: await needed(tools).prove(evidence) };
  },
  mend: async ({ faults }, now, tools) => {
    for (const { says, code } of faults) {
      const remedy = code === undefined ? undefined : tools.remedy(code);
      tools.say(`FAULT  ${says}${remedy === undefined ? '' : `\n       ${remedy}`}`);
    }
    const mended = await asksYes(tools.asks, 'Is it mended, and to be tried again? (n ends with a refusal)');
    return mended ? withoutFaulty(now, faults) : { ...now, givenUp: true };
  },
  answer: async ({ doubt: { about, says } }, now, tools) => {
    tools.say(`DOUBT  ${about}: ${says}`);
    const answer = await answered(tools.asks, 'Why may it stay like this? (a sentence; nothing leaves it open)');
    if (answer === '') return { ...now, givenUp: true };
    return { ...now, doubts: [...now.doubts, { about, says, answer }] };
  },
  decide: async ({ doubts }, now, tools) => {
    const withDoubts = doubts === 0 ? '' : ` with ${doubts === 1 ? 'one doubt' : `${doubts} doubts`}`;
    const accepts = await asksYes(tools.asks, `Do you accept ${now.unit}${withDoubts}?`);
    if (accepts) return { ...now, decided: true };
    const why = await answered(tools.asks, 'Why not? (a sentence)');
    return { ...now, refusal: why === '' ? 'no reason was given' : why };
  },
};

function execute(step: Exclude<Step, { kind: 'conclude' }>, now: Progress, tools: Bench): Promise<Progress> {
  const executor = executors[step.kind] as (step: Step, now: Progress, tools: Bench) => Promise<Progress>;
  return executor(step, now, tools);
}

function needed({ unit }: AcceptanceTools): TestedUnit {
  if (unit === undefined) throw new AtalayaError('internal', 'a step is planned that needs the centre');
  return unit;
}

const isoNow = ({ clock }: AcceptanceTools): string => toIso(clock.utc());

/** A test of this unit. Throws `document-refused` for one of another. */
async function reportOf(
  { unit }: Progress,
  tools: AcceptanceTools,
  wish: Parameters<TestedUnit['selfTest']>[0],
): Promise<SelfTestReport> {
  const report = await needed(tools).selfTest(wish);
  requireUnit(unit, report);
  return report;
}

function requireUnit(unit: string, report: SelfTestReport): void {
  if (report.unit === unit) return;
  throw new AtalayaError(
    'document-refused',
    `the report is of the unit ${report.unit}, and ${unit} is to be accepted`,
    {
      hint: 'Name the unit that was tested, or test the one that is meant.',
    },
  );
}

/** `asked`: when the unit was asked for it, UTC milliseconds; undefined for a report from a file. Throws `document-refused`. */
function withTest(now: Progress, report: SelfTestReport, tools: Bench, asked: number | undefined): Progress {
  requireUnit(now.unit, report);
  const here = tools.clock.utc();
  const there = Date.parse(report.at);
  if (asked === undefined && isExpired(there, here)) {
    throw new AtalayaError(
      'document-refused',
      `the test is of ${report.at}, and counts for ${testHoldsMinutes / 60} hours only`,
      { hint: 'Test the unit again: atalaya-unit selftest --out report.json' },
    );
  }
  if (asked === undefined && there - here > 5 * 60_000) {
    throw new AtalayaError('document-refused', `the test is of ${report.at}, which is yet to come`, {
      hint: 'Set the clock that is wrong, the one of the unit or the one of this laptop, and test again.',
    });
  }
  const clockAheadS = asked === undefined ? null : Math.round(aheadMs(there, asked, here) / 100) / 10;
  showFindings(report, tools);
  return { ...now, test: report, tested: toIso(here), clockAheadS };
}

/** All of a first test; of a later one what has another outcome than the person was shown before, and how many have not. */
function showFindings({ findings }: SelfTestReport, { shown, say }: Pick<Bench, 'shown' | 'say'>): void {
  const before = new Set(shown);
  shown.clear();
  let same = 0;
  for (const { check, subject, outcome, code, says } of findings) {
    const what = subject === undefined ? check : `${check} (${subject})`;
    const found = `${outcome} ${code} ${what}`;
    shown.add(found);
    if (before.has(found)) same += 1;
    else say(`  ${outcome.padEnd(10)} ${what}: ${says}`);
  }
  if (same > 0) say(`  ${same === findings.length ? 'all' : 'the rest'} as before (${same})`);
}

/** By how much a moment lies outside of the time in which it must have been, by another clock: 0 within it. */
const aheadMs = (there: number, from: number, until: number): number =>
  there > until ? there - until : Math.min(0, there - from);

const withTrial = (now: Progress, tools: AcceptanceTools, trial: Omit<LineTrial, 'at'>): Progress => ({
  ...now,
  lines: [...now.lines.filter(({ name }) => name !== trial.name), { ...trial, at: isoNow(tools) }],
});

/** Between two looks at an input: the unit is asked through the centre. */
const lookEvery = milliseconds(1000);

/** Asks the person to change an input, and the unit whether it saw it, until it did or the time is over. */
async function watchInput(
  line: Extract<Step, { readonly kind: 'watch' }>['line'],
  now: Progress,
  tools: AcceptanceTools,
): Promise<Omit<LineTrial, 'at'>> {
  const { name } = line;
  const look = async () => (await reportOf(now, tools, {})).lines.find((one) => one.name === name);
  const before = await look();
  if (before === undefined) return { name, outcome: 'stuck', says: 'the unit knows it no more' };
  tools.say(`${watchWords(line)} (${tools.lineWaitS} s)`);
  const until = tools.clock.monotonic() + tools.lineWaitS * 1000;
  // A unit that was started again counts from 0.
  let least = before.changes ?? 0;
  for (;;) {
    const seen = await look();
    const changes = seen?.changes ?? 0;
    const toggled = seen?.changes === undefined && seen !== undefined && seen.active !== before.active;
    if (changes > least || toggled) {
      tools.say(`  ${name} changed.`);
      return { name, outcome: 'works', says: 'it was changed by hand, and the unit saw it' };
    }
    least = Math.min(least, changes);
    if (tools.clock.monotonic() >= until)
      return { name, outcome: 'stuck', says: `it did not change within ${tools.lineWaitS} s of being asked for` };
    await tools.timer.sleep(lookEvery, tools.signal);
    tools.signal.throwIfAborted();
  }
}
