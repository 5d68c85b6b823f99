import { bars } from './bars.ts';
import type { SelfTestFinding } from './contract/self-test-report.ts';
import type { DetectorFacts, EvidenceFacts } from './facts.ts';
import { above, passed, rounded, troubled, untested } from './findings.ts';

/** Whether vehicles are found, and soon enough. */
export function judgeDetector(detector: DetectorFacts): readonly SelfTestFinding[] {
  const check = 'detector';
  if (detector.kind === 'failed') return [troubled('failed', 'detector-failed', { check, says: detector.says })];
  const { inferenceMs, found, due, beside } = detector;
  // Of two looks that wait for one another, the time of one is half.
  const looks = beside ? 2 : 1;
  const { doubt, fail } = bars.detector.inferenceMs;
  const sides = { doubt: doubt * looks, fail: fail * looks };
  const figures = [
    { name: 'inference', value: inferenceMs, unit: 'ms', most: sides.doubt },
    { name: 'vehicles found', value: found, unit: '1', least: due },
  ];
  const share = due === 0 ? 1 : found / due;
  const says = `${found} of the ${due} vehicles of the reference picture are found, in ${rounded(inferenceMs)} ms${beside ? ", beside the unit's own looks" : ''}.`;
  const troubles: SelfTestFinding[] = [];
  if (share < bars.detector.found.doubt) {
    const worst = share < bars.detector.found.fail ? 'failed' : 'doubtful';
    troubles.push(troubled(worst, 'detector-blind', { check, says, figures }));
  }
  const slow = above(inferenceMs, sides);
  if (slow !== 'passed') troubles.push(troubled(slow, 'detector-slow', { check, says, figures }));
  return troubles.length > 0 ? troubles : [passed('detector-good', { check, says, figures })];
}

/** Whether what is stated is signed, sealed, on the medium and verifiable. */
export function judgeEvidence(evidence: EvidenceFacts): SelfTestFinding {
  const check = 'evidence';
  switch (evidence.kind) {
    case 'not-asked':
      return untested('evidence-not-asked', { check, says: 'No test evidence was asked for.' });
    case 'refused':
      return troubled('failed', 'evidence-refused', { check, says: evidence.says });
    case 'sealed':
      return judgeSealed(evidence);
  }
}

function judgeSealed({
  id: subject,
  sequence,
  tookMs,
  pictureBytes,
  authority,
  faults,
}: Extract<EvidenceFacts, { readonly kind: 'sealed' }>): SelfTestFinding {
  const figures = [
    { name: 'sealing', value: tookMs, unit: 'ms', most: bars.sealMs.doubt },
    { name: 'sealed picture', value: pictureBytes, unit: 'B' },
  ];
  const words = { check: 'evidence', subject, figures } as const;
  if (faults.length > 0) {
    return troubled('failed', 'evidence-faulty', {
      ...words,
      says: `Entry ${sequence} does not verify: ${faults.join(' ')}`,
    });
  }
  if (!authority) {
    const says = `Entry ${sequence} is signed and verifies; no authority is configured, so no picture is kept of anything.`;
    return troubled('doubtful', 'evidence-no-authority', { ...words, says });
  }
  if (pictureBytes === 0) {
    const says = `Entry ${sequence} is signed and verifies; there was no picture to seal.`;
    return troubled('doubtful', 'evidence-no-picture', { ...words, says });
  }
  const slow = above(tookMs, bars.sealMs);
  if (slow !== 'passed') {
    return troubled(slow, 'storage-slow', { ...words, says: `Sealing took ${rounded(tookMs / 1000)} s.` });
  }
  return passed('evidence-good', { ...words, says: `Entry ${sequence} is signed, sealed, and verifies.` });
}
