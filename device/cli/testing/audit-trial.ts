import { readFile } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { seal } from '../../evidence/testing/stores.ts';
import { parseKey } from '../../evidence/verify/keys.ts';
import { verifyStore } from '../../evidence/verify/verify-store.ts';
import { idOf, type MadeData, madeData, manyActs, plate, sealWhole } from './made-data.ts';
import { audit, type Call } from './run-audit.ts';

export const by = ['--who', 'A. Auditor', '--why', 'case 4711'] as const;
export const id = idOf('unit-1', 1);

/** Two pieces of evidence with pictures, clip and plate, one without a clip, and a few acts. */
export async function withEvidence(t: ExecutionContext): Promise<MadeData> {
  const made = await madeData();
  t.teardown(() => made.remove());
  const store = await made.open();
  await sealWhole(store, 10);
  await sealWhole(store, 20);
  await seal(store, 30, plate);
  await manyActs(store, 2);
  await store.close();
  return made;
}

/** A line is for a phone, but paths are as long as they are, and so is JSON; what is sealed is in no line. */
export async function fitsPhone(t: ExecutionContext, made: MadeData, { said, complained }: Call): Promise<void> {
  const secret = (await readFile(made.identity, 'utf8')).split('\n')[1] as string;
  for (const text of [said, complained]) {
    t.false(text.includes(plate), 'a plate in the output');
    t.false(text.includes(secret) || /AGE-SECRET-KEY-1[0-9A-Z]/.test(text), 'an identity in the output');
    t.notRegex(text, /\[object|undefined\b| {4}at .*\.ts/);
  }
  for (const line of said.split('\n')) {
    if (said.startsWith('{')) break;
    t.true(line.replace(/\S*\/\S+/g, '').length <= 100, line);
  }
}

export async function done(t: ExecutionContext, made: MadeData, ...args: string[]): Promise<string> {
  const call = await audit(...args);
  t.is(call.code, 0, call.complained + call.said);
  await fitsPhone(t, made, call);
  return call.said;
}

export async function refused(
  t: ExecutionContext,
  made: MadeData,
  code: number,
  says: RegExp,
  ...args: string[]
): Promise<Call> {
  const call = await audit(...args);
  t.is(call.code, code, `${args.join(' ')}\n${call.complained}${call.said}`);
  t.regex(call.complained, says);
  await fitsPhone(t, made, call);
  return call;
}

export async function holdsWith(t: ExecutionContext, made: MadeData, entries: number): Promise<void> {
  const { ok, findings, counts } = await verifyStore(made.store, {
    key: parseKey(await readFile(made.publicKey, 'utf8')),
  });
  t.true(ok, JSON.stringify(findings));
  t.is(counts.records, entries);
}
