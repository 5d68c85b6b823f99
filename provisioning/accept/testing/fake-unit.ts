import type { SelfTestReport } from '../../../device/selftest/contract/self-test-report.ts';
import type { EvidenceProof } from '../acceptance.ts';
import type { TestedUnit } from '../take-steps.ts';
import { madeReport, testedAt } from './made-test.ts';

/** The beginning of a JPEG. */
export const somePicture = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(200, 7)]);

export const someProof: EvidenceProof = {
  ...{ sequence: 3, id: 'north-1-000000003', outcome: 'proven', says: 'found at the centre, signed, in the log' },
  ...{ record: 'a'.repeat(64), signer: 'b'.repeat(64), inclusion: 'proven', checkpoint: { size: 3, root: 'cm9vdA==' } },
  at: testedAt,
};

/** A unit that answers from what a test says; what it was asked is kept. */
export class FakeUnit implements TestedUnit {
  readonly asked: string[] = [];
  /** Called for each self-test, with how many there were before. */
  report: (count: number) => SelfTestReport = () => madeReport();
  /** After so many self-tests the door changes between any two; never where undefined. */
  doorAfter: number | undefined = 2;
  proof: EvidenceProof = someProof;
  /** Thrown in place of the answer with this number. */
  readonly faults = new Map<number, Error>();
  #tests = 0;

  async selfTest({ pulse, seal }: Parameters<TestedUnit['selfTest']>[0]): Promise<SelfTestReport> {
    this.#ask(pulse === undefined ? (seal === true ? 'seal' : 'test') : `pulse ${pulse.join(' ')}`);
    const report = this.report(this.#tests);
    this.#tests += 1;
    const changes = Math.max(0, this.#tests - (this.doorAfter ?? Number.POSITIVE_INFINITY));
    return {
      ...report,
      lines: report.lines.map((line) => (line.name === 'door' ? { ...line, changes } : line)),
      ...(seal === true ? { evidence: { sequence: 3, id: 'north-1-000000003' } } : {}),
    };
  }

  async snapshot(): Promise<Buffer> {
    this.#ask('snapshot');
    return somePicture;
  }

  async prove(): Promise<EvidenceProof> {
    this.#ask('prove');
    return this.proof;
  }

  #ask(what: string): void {
    const fault = this.faults.get(this.asked.length);
    this.asked.push(what);
    if (fault !== undefined) throw fault;
  }
}
