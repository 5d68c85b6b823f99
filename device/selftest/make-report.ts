import {
  type SelfTestLine,
  type SelfTestReport,
  selfTestReport,
  selfTestSchemaId,
} from './contract/self-test-report.ts';
import type { SelfTestFacts } from './facts.ts';
import { cut } from './findings.ts';
import { judgeSelfTest, outcomeOf } from './judge-self-test.ts';

/** Who was tested, when, and with what. */
export type ReportHead = Pick<
  SelfTestReport,
  'unit' | 'site' | 'program' | 'boot' | 'at' | 'asked' | 'scene' | 'configuration'
>;

/** The report of a self-test: every finding with what it was judged by. */
export function makeReport(head: ReportHead, facts: SelfTestFacts): SelfTestReport {
  const findings = judgeSelfTest(facts);
  const { evidence, lines } = facts;
  return selfTestReport.parse({
    schema: selfTestSchemaId,
    ...head,
    site: cut(head.site, 200),
    program: cut(head.program, 60),
    outcome: outcomeOf(findings),
    findings: [...findings],
    lines: lines.kind === 'open' ? lines.lines.slice(0, 64).map(lineOf) : [],
    ...(evidence.kind === 'sealed' ? { evidence: { sequence: evidence.sequence, id: evidence.id } } : {}),
  });
}

function lineOf({ name, direction, role, active, changes }: SelfTestLine): SelfTestLine {
  return {
    name: cut(name, 60),
    direction,
    role: cut(role, 60),
    ...(active === undefined ? {} : { active }),
    ...(changes === undefined ? {} : { changes }),
  };
}
