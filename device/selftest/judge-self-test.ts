import { type SelfTestFinding, type SelfTestReport, selfTestChecks } from './contract/self-test-report.ts';
import type { SelfTestFacts } from './facts.ts';
import { judgeLines } from './judge-lines.ts';
import { judgeBroker, judgeCertificates, judgeNetwork } from './judge-link.ts';
import { judgeClock, judgeMachine, judgeStorage } from './judge-machine.ts';
import { judgeCamera, judgeExposure, judgeFocus, judgePlace } from './judge-picture.ts';
import { judgeDetector, judgeEvidence } from './judge-work.ts';

/** The contract's bound. */
const mostFindings = 100;

/** What the facts of a self-test mean: one finding or more of each check, in the order in which they are to be mended. Pure. */
export function judgeSelfTest(facts: SelfTestFacts): readonly SelfTestFinding[] {
  const { camera, picture, reference, lines, clock, storage, machine, network, broker, certificates } = facts;
  const found = [
    ...judgeCamera(camera, picture),
    judgeFocus(picture, reference),
    judgeExposure(picture),
    judgePlace(reference, facts.drawn ?? true),
    ...judgeLines(lines),
    ...judgeClock(clock),
    ...judgeStorage(storage),
    ...judgeMachine(machine),
    judgeNetwork(network),
    judgeBroker(broker),
    ...judgeCertificates(certificates),
    ...judgeDetector(facts.detector),
    judgeEvidence(facts.evidence),
  ];
  if (found.length <= mostFindings) return found;
  // Of more than the report takes, what is well goes first.
  const kept = found.toSorted((a, b) => severity(b) - severity(a)).slice(0, mostFindings);
  return kept.toSorted((a, b) => selfTestChecks.indexOf(a.check) - selfTestChecks.indexOf(b.check));
}

const severity = ({ outcome }: SelfTestFinding): number =>
  outcome === 'failed' ? 3 : outcome === 'doubtful' ? 2 : outcome === 'passed' ? 1 : 0;

/** The worst of the findings; what was not tested worsens nothing. */
export function outcomeOf(findings: readonly SelfTestFinding[]): SelfTestReport['outcome'] {
  if (findings.some(({ outcome }) => outcome === 'failed')) return 'failed';
  return findings.some(({ outcome }) => outcome === 'doubtful') ? 'doubtful' : 'passed';
}
