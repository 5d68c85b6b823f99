import type {
  SelfTestCheck,
  SelfTestFinding,
  SelfTestLine,
  SelfTestOutcome,
  SelfTestReport,
} from '../../../device/selftest/contract/self-test-report.ts';

const checks: readonly SelfTestCheck[] = [
  ...([
    'camera',
    'focus',
    'exposure',
    'lines',
    'clock',
    'storage',
    'wear',
    'temperature',
    'network',
    'broker',
  ] as const),
  ...(['certificate', 'detector', 'evidence'] as const),
];

export function found(
  check: SelfTestCheck,
  outcome: SelfTestOutcome = 'passed',
  says = 'all is well',
): SelfTestFinding {
  const figures = check === 'storage' ? [{ name: 'writing', value: 18.4, unit: 'MB/s', least: 5 }] : [];
  return { check, outcome, code: outcome === 'passed' ? `${check}-good` : `${check}-trouble`, says, figures };
}

const worst = (findings: readonly SelfTestFinding[]): SelfTestReport['outcome'] =>
  (['failed', 'doubtful'] as const).find((one) => findings.some(({ outcome }) => outcome === one)) ?? 'passed';

export const door: SelfTestLine = { name: 'door', direction: 'input', role: 'door', active: false, changes: 0 };
export const beacon: SelfTestLine = { name: 'beacon', direction: 'output', role: 'beacon' };
export const spare: SelfTestLine = { name: 'spare-1', direction: 'input', role: 'spare', active: false, changes: 0 };

export const testedAt = '2026-03-01T12:00:00.000Z';

/** A report in which all is well, but for the findings that take the place of those of their check. */
export function madeReport(
  instead: readonly SelfTestFinding[] = [],
  more: Partial<SelfTestReport> = {},
): SelfTestReport {
  const findings = [
    ...checks.filter((check) => !instead.some((one) => one.check === check)).map((check) => found(check)),
    ...instead,
  ];
  return {
    ...{ schema: 'atalaya/self-test/1', unit: 'north-1', site: 'High Street', program: '0.1.0', boot: 'boot-1' },
    ...{ at: testedAt, asked: 'command', outcome: worst(findings), findings, lines: [door, beacon, spare] },
    scene: { name: 'street', sha256: '5'.repeat(64), calibrated: true },
    configuration: 'c'.repeat(64),
    ...more,
  };
}
