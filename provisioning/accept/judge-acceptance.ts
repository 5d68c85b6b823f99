import type {
  SelfTestCheck,
  SelfTestFinding,
  SelfTestLine,
  SelfTestReport,
} from '../../device/selftest/contract/self-test-report.ts';
import type { AcceptanceOutcome, AnsweredDoubt, EvidenceProof, JudgedPicture, LineTrial } from './acceptance.ts';

/** What an acceptance is decided by; a document of an acceptance is one. */
export interface Gathered {
  readonly test: SelfTestReport;
  readonly clockAheadS: number | null;
  readonly lines: readonly LineTrial[];
  readonly picture: JudgedPicture | null;
  readonly evidence: EvidenceProof | null;
  /** What was answered; other doubts are still open. */
  readonly doubts: readonly AnsweredDoubt[];
  readonly refusal: string | null;
  /** The person has said that the unit goes into service. */
  readonly decided: boolean;
}

/** What has to be mended, and what is to be done again afterwards. */
export interface Fault {
  readonly part: 'test' | 'line' | 'picture' | 'evidence' | 'person';
  /** Name of the line. */
  readonly line?: string;
  /** Under which the remedy is looked up; of the self-test. */
  readonly code?: string;
  readonly says: string;
}

export interface Judged {
  readonly outcome: AcceptanceOutcome;
  readonly faults: readonly Fault[];
  readonly missing: readonly string[];
  /** Every doubt, with the answer that was given. */
  readonly doubts: readonly AnsweredDoubt[];
}

/** Without these nobody can say that a unit works. */
const needed: readonly SelfTestCheck[] = ['camera', 'focus', 'exposure', 'clock', 'storage', 'network', 'broker'];
/** Boards without a sensor cannot tell; a person answers for that. */
const wanted: readonly SelfTestCheck[] = ['wear', 'temperature'];

/** Seconds between two clocks beyond which somebody has to say which one is right: the way through a centre takes a few. */
const clocksAgreeS = 60;

/** Decides, from what was gathered alone: whoever has the document comes to the same. */
export function judgeAcceptance(gathered: Gathered): Judged {
  const faults = faultsOf(gathered);
  const doubts = doubtsOf(gathered);
  const open = doubts.some(({ answer }) => answer === null);
  const untried = missingOf(gathered);
  const undecided = untried.length === 0 && !open && !gathered.decided;
  const missing = undecided ? ['Nobody has decided yet.'] : untried;
  const outcome =
    faults.length > 0
      ? 'refused'
      : missing.length > 0 || open
        ? 'incomplete'
        : doubts.length > 0
          ? 'accepted-with-doubts'
          : 'accepted';
  return { outcome, faults, missing, doubts };
}

const subjectOf = ({ check, subject }: SelfTestFinding): string =>
  subject === undefined ? check : `${check} (${subject})`;

function faultsOf({ test, lines, picture, evidence, refusal }: Gathered): readonly Fault[] {
  const failed = test.findings.filter(({ outcome }) => outcome === 'failed');
  const faults: Fault[] = failed.map((one) => ({
    part: 'test',
    code: one.code,
    says: `${subjectOf(one)}: ${one.says}`,
  }));
  if (test.outcome === 'failed' && failed.length === 0)
    faults.push({ part: 'test', says: 'The unit says that its test failed, and names no reason.' });
  for (const { name, says } of trialsOf(test, lines).filter(({ outcome }) => outcome === 'stuck'))
    faults.push({ part: 'line', line: name, says: `line ${name}: ${says}` });
  if (picture?.good === false)
    faults.push({ part: 'picture', says: 'The picture is not sharp, or does not show the road.' });
  if (evidence?.outcome === 'failed') faults.push({ part: 'evidence', says: `test evidence: ${evidence.says}` });
  if (refusal !== null) faults.push({ part: 'person', says: `refused by the person: ${refusal}` });
  return faults;
}

/** Those of lines that the unit still has. */
const trialsOf = ({ lines }: SelfTestReport, trials: readonly LineTrial[]): readonly LineTrial[] =>
  trials.filter(({ name }) => lines.some((line) => line.name === name));

/** Lines that a person has yet to try, in the order of the report; of an input that nothing uses nobody has to. */
export const untriedLines = ({ lines }: SelfTestReport, trials: readonly LineTrial[]): readonly SelfTestLine[] =>
  lines.filter(({ name, role }) => role !== 'spare' && !trials.some((trial) => trial.name === name));

function missingOf({ test, lines, picture, evidence }: Gathered): readonly string[] {
  const untried = untriedLines(test, lines);
  return [
    ...needed.flatMap((check) => untested(test, check)).map(({ says }) => says),
    ...untried.map(({ name, role }) => `The line ${name} (${role}) was not tried.`),
    ...(picture === null
      ? ['There is no picture of the camera.']
      : picture.good === null
        ? ['Nobody has looked at the picture.']
        : []),
    ...(evidence === null ? ['No test evidence was verified at the centre.'] : []),
  ];
}

function doubtsOf(gathered: Gathered): readonly AnsweredDoubt[] {
  const { test, clockAheadS, evidence, doubts: answered } = gathered;
  const doubts = [
    ...test.findings
      .filter(({ outcome }) => outcome === 'doubtful')
      .map((one) => ({ about: subjectOf(one), says: one.says })),
    ...wanted.flatMap((check) => untested(test, check)),
    ...(evidence?.outcome === 'archived' ? [{ about: 'test evidence', says: evidence.says }] : []),
    ...(test.lines.length === 0 ? untested(test, 'lines') : []),
    ...(clockAheadS !== null && Math.abs(clockAheadS) > clocksAgreeS ? [clockDoubt(clockAheadS)] : []),
  ];
  return doubts.map(({ about, says }) => {
    const given = answered.find((one) => one.about === about && one.says === says);
    return { about, says, answer: given?.answer ?? null };
  });
}

function untested({ findings }: SelfTestReport, check: SelfTestCheck): readonly { about: string; says: string }[] {
  const all = findings.filter((one) => one.check === check);
  if (all.some(({ outcome }) => outcome !== 'not-tested')) return [];
  const why = all[0]?.says ?? 'the unit says nothing of it';
  return [{ about: check, says: `${check} was not tested: ${why}` }];
}

function clockDoubt(ahead: number): { readonly about: string; readonly says: string } {
  const way = ahead > 0 ? 'ahead of' : 'behind';
  const says = `The unit's clock is ${Math.abs(Math.round(ahead))} s ${way} this laptop's: one of them is wrong.`;
  return { about: 'clock', says };
}
