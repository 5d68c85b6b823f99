import type { ExecutionContext } from 'ava';
import { StubFleet } from '../../../../cloud-bridge/cli/fleet/testing/stub-fleet.ts';
import type { StubAnswer, StubRequest } from '../../../../cloud-bridge/fleet/testing/stub-bridge.ts';
import { ed25519 } from '../../../../device/evidence/verify/testing/attacks.ts';
import { digest, TinyUnit } from '../../../../device/evidence/verify/testing/tiny-unit.ts';
import type { SelfTestReport } from '../../../../device/selftest/contract/self-test-report.ts';
import { beacon, door, madeReport } from '../../../accept/testing/made-test.ts';
import { provision } from '../../../testing/program-call.ts';
import { jpeg } from './accept-files.ts';

export interface Centre {
  readonly fleet: StubFleet;
  readonly unit: TinyUnit;
  report: (wish: { readonly pulse?: readonly string[]; readonly seal?: boolean }, count: number) => SelfTestReport;
  seal: typeof sealTest;
  instead: (request: StubRequest) => StubAnswer | undefined;
  call(types: readonly string[] | undefined, ...more: readonly string[]): ReturnType<typeof provision>;
}

/** A centre with one unit that tests itself, seals, and sends its ledger. */
export async function centreOf(t: ExecutionContext): Promise<Centre> {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const unit = new TinyUnit('north-1', ed25519());
  unit.evidence(1);
  unit.action({ kind: 'list' });
  let tests = 0;
  const centre: Centre = {
    ...{ fleet, unit },
    report: (_, count) =>
      madeReport([], { at: new Date(fleet.clock.utc()).toISOString(), lines: [{ ...door, changes: count }, beacon] }),
    seal: sealTest,
    instead: () => undefined,
    call: (types, ...more) =>
      provision(
        [
          ...['accept', 'north-1', '--bridge', `unix:${fleet.at('bridge.sock')}`, '--key', fleet.at('ana.pem')],
          ...['--out', fleet.at('out'), '--wait', '1', '--evidence-wait', '1', ...more],
        ],
        { clock: fleet.clock, ...(types === undefined ? {} : { types }) },
      ),
  };
  const iso = () => new Date(fleet.clock.utc()).toISOString();
  fleet.instead = (request) => {
    const other = centre.instead(request);
    if (other !== undefined) return other;
    const { name, query } = request;
    const { unit: named, id: asked } = request.parameters;
    if (name === 'unit' && named === 'north-1') {
      const key = { id: digest(unit.spki), spki: unit.pem, vkey: unit.vkey, since: iso() };
      const size = unit.entries.length;
      const checkpoint = { size, root: unit.root().toString('base64'), cosignedAt: iso() };
      const marks = [{ lane: 'infraction', stream: '0123456789abcdef', upTo: size }];
      return { json: fleet.unit('north-1', { key, checkpoint, marks }) };
    }
    if (name === 'events') {
      const all = unit.entries.map(({ record, signature }, i) => ({
        ...{ position: i + 1, unit: 'north-1', lane: 'infraction', stream: '0123456789abcdef', sequence: i + 1 },
        ...{ previous: i, kind: 'audit', time: iso(), archived: iso() },
        data: { record: JSON.parse(record.toString()), signature: signature.toString('base64') },
      }));
      const { after = 0, order } = query as { after?: number; order: string };
      const left = all.filter(({ position }) => position > after);
      return { json: { events: order === 'newest' ? left.reverse() : left } };
    }
    if (name !== 'reply') return undefined;
    const command = fleet.commands.find(({ id }) => id === asked);
    if (command === undefined) return undefined;
    const wish = command.arguments as { pulse?: readonly string[]; seal?: boolean };
    const evidence = wish.seal === true ? centre.seal(unit) : undefined;
    const report = command.name === 'self-test' ? centre.report(wish, tests) : undefined;
    if (report !== undefined) tests += 1;
    const result =
      report === undefined
        ? { image: jpeg.toString('base64') }
        : { report: { ...report, ...(evidence && { evidence: { sequence: evidence.sequence, id: evidence.id } }) } };
    return {
      json: {
        command,
        relayed: iso(),
        reply: { id: command.id, name: command.name, at: iso(), outcome: 'done', result },
      },
    };
  };
  return centre;
}

/** Test evidence as a unit seals it. */
export function sealTest(unit: TinyUnit): { readonly sequence: number; readonly id: string } {
  const sequence = unit.action({ kind: 'test', picture: null }, { schema: 'atalaya/action/3' });
  return { sequence, id: `north-1-${String(sequence).padStart(9, '0')}` };
}
