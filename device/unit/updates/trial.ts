import type { SelfTestCheck, SelfTestFinding } from '../../selftest/contract/self-test-report.ts';

/** Whether a unit does its work with what is on trial. */
export interface TrialVerdict {
  readonly good: boolean;
  /** Each as `code: words`. */
  readonly reasons: readonly string[];
}

/** What a program can spoil. That a disk wears out or a supply sags is no reason to go back. */
const counted: ReadonlySet<SelfTestCheck> = new Set(['camera', 'lines', 'clock', 'broker', 'detector', 'evidence']);
/** Without a good word of these nobody knows whether the unit does its work. */
const needed: readonly SelfTestCheck[] = ['camera', 'detector', 'evidence'];

export interface TrialTerms {
  /** The unit has a centre, and so has to reach it. */
  readonly connected: boolean;
  /** At a desk the clock is believed as it is. */
  readonly clockBelieved: boolean;
}

/**
 * Judges what a self-test of a running unit has found: frames arrive, the detector finds the vehicles of the reference picture, evidence seals and verifies,
 * lines answer, the clock is good, the broker is reached.
 */
export function judgeTrial(findings: readonly SelfTestFinding[] | undefined, terms: TrialTerms): TrialVerdict {
  if (findings === undefined) return { good: false, reasons: ['camera: the camera has not come yet'] };
  const bad = findings.filter((finding) => isBad(finding, terms)).map(({ code, says }) => `${code}: ${says}`);
  const wanted = terms.connected ? [...needed, 'broker' as const] : needed;
  const silent = wanted.filter((check) => !findings.some((one) => one.check === check && isGood(one)));
  const missing = silent
    .filter((check) => !findings.some((one) => one.check === check && isBad(one, terms)))
    .map((check) => `${check}: it could not be tested`);
  const reasons = [...bad, ...missing];
  return { good: reasons.length === 0, reasons };
}

const isGood = ({ outcome }: SelfTestFinding): boolean => outcome === 'passed' || outcome === 'doubtful';

const isBad = ({ check, outcome }: SelfTestFinding, { clockBelieved }: TrialTerms): boolean =>
  outcome === 'failed' && counted.has(check) && !(check === 'clock' && clockBelieved);

/** The self-tests of one start on trial. Test evidence is sealed once, as long as nothing speaks against it: a ledger keeps it for good. */
export class TrialWatch {
  #evidence: readonly SelfTestFinding[] = [];

  /** Whether the next test seals test evidence. */
  get seals(): boolean {
    return !this.#evidence.some(isGood);
  }

  /** `findings` of a test as `seals` asked for it; undefined while the camera has not come. */
  judge(findings: readonly SelfTestFinding[] | undefined, terms: TrialTerms): TrialVerdict {
    const found = findings?.filter(({ check }) => check === 'evidence') ?? [];
    // A store that refuses is seen by a test that seals nothing, too.
    if (this.seals || found.some(({ outcome }) => outcome === 'failed')) this.#evidence = found;
    const others = findings?.filter(({ check }) => check !== 'evidence');
    return judgeTrial(others && [...others, ...this.#evidence], terms);
  }
}
