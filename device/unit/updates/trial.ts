import type { SelfTest, Trouble } from '../../../ota/update/update-parts.ts';
import type { SelfTestCheck, SelfTestFigure, SelfTestFinding } from '../../selftest/contract/self-test-report.ts';
import type { TroubleCode } from '../../selftest/remedies.ts';

/** What a program can spoil, or a scene: one that is empty, or of another place. That a disk wears out or a supply sags is no reason to go back. */
const counted: ReadonlySet<SelfTestCheck> = new Set([
  'camera',
  'place',
  'lines',
  'clock',
  'broker',
  'detector',
  'evidence',
]);
/** Without a good word of these nobody knows whether the unit does its work. */
const needed: readonly SelfTestCheck[] = ['camera', 'detector', 'evidence'];
/**
 * What a board, its lens, its wires, its place and its time source can be the cause of: had the version before the same, it is no fault of this one. All
 * else is held against any program: frames that do not come, a detector that is blind, evidence that does not verify, a centre out of reach.
 */
const ofTheBoard: ReadonlySet<string> = new Set<TroubleCode>([
  'camera-slow',
  'camera-damaged',
  'camera-covered',
  // A unit that nobody has drawn a scene for yet takes programs all the same.
  'scene-empty',
  'camera-moved',
  'lines-unavailable',
  'line-dead',
  'lamps-contradict',
  'clock-unsynchronised',
  'clock-inexact',
  'detector-slow',
  'storage-slow',
]);

export interface TrialTerms {
  /** The unit has a centre, and so has to reach it. */
  readonly connected: boolean;
  /** At a desk the clock is believed as it is. */
  readonly clockBelieved: boolean;
}

/**
 * What of a self-test of the running unit speaks against its program: frames arrive, the detector finds the vehicles of the reference picture,
 * evidence seals and verifies, lines answer, the clock is good, the broker is reached.
 */
export function troublesOf(findings: readonly SelfTestFinding[] | undefined, terms: TrialTerms): SelfTest {
  if (findings === undefined) return { troubles: [vital('camera', 'the camera has not come yet')], early: true };
  const bad = findings.filter((finding) => isBad(finding, terms));
  const wanted = terms.connected ? [...needed, 'broker' as const] : needed;
  const silent = wanted.filter((check) => !findings.some((one) => one.check === check && isGood(one)));
  const untested = silent.filter((check) => !bad.some((one) => one.check === check));
  return {
    troubles: [...bad.map(troubleOf), ...untested.map((check) => vital(check, 'it could not be tested'))],
  };
}

const vital = (code: string, says: string): Trouble => ({ code, says, vital: true });

function troubleOf({ check, code, subject, says, figures }: SelfTestFinding): Trouble {
  const degree = degreeOf(figures);
  return {
    // Of test evidence the subject is the entry, another one each time.
    code: subject === undefined || check === 'evidence' ? code : `${code} ${subject}`,
    says,
    ...(degree === undefined ? {} : { degree }),
    vital: !ofTheBoard.has(code),
  };
}

/**
 * How far the figure that the trouble is about, the first that has a bar, lies beyond it: 2 is twice the most, or half of the least. The others are told
 * beside it, and what is wrong with them says nothing of this one.
 */
function degreeOf(figures: readonly SelfTestFigure[]): number | undefined {
  const one = figures.find(({ least, most }) => least !== undefined || most !== undefined);
  if (one === undefined) return undefined;
  const { value, least, most } = one;
  return most === undefined ? (least ?? 0) / Math.max(value, tiny) : value / Math.max(most, tiny);
}

const tiny = 1e-6;

/** Within this a link that is lost may come back before it counts, ms. */
const linkPatience = 120_000;

const isGood = ({ outcome }: SelfTestFinding): boolean => outcome === 'passed' || outcome === 'doubtful';

const isBad = ({ check, outcome }: SelfTestFinding, { clockBelieved }: TrialTerms): boolean =>
  outcome === 'failed' && counted.has(check) && !(check === 'clock' && clockBelieved);

/** The self-tests of one start on trial. Test evidence is sealed once, as long as nothing speaks against it: a ledger keeps it for good. */
export class TrialWatch {
  /** Monotonic ms. */
  #reachedAt: number | undefined;
  #evidence: readonly SelfTestFinding[] = [];

  /** Whether the next test seals test evidence. */
  get seals(): boolean {
    return !this.#evidence.some(isGood);
  }

  /** `findings` of a test as `seals` asked for it; undefined while the camera has not come. */
  judge(findings: readonly SelfTestFinding[] | undefined, terms: TrialTerms, now: number): SelfTest {
    const found = findings?.filter(({ check }) => check === 'evidence') ?? [];
    // A store that refuses is seen by a test that seals nothing, too.
    if (this.seals || found.some(({ outcome }) => outcome === 'failed')) this.#evidence = found;
    const others = findings?.filter(({ check }) => check !== 'evidence').map((one) => this.#bridged(one, now));
    return troublesOf(others && [...others, ...this.#evidence], terms);
  }

  /** A mobile link comes and goes: a centre that was reached just now is reached. */
  #bridged(one: SelfTestFinding, now: number): SelfTestFinding {
    if (one.check !== 'broker') return one;
    if (isGood(one)) this.#reachedAt = now;
    const lately = this.#reachedAt !== undefined && now - this.#reachedAt <= linkPatience;
    return lately && one.outcome === 'failed' ? { ...one, outcome: 'doubtful' } : one;
  }
}
