import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { becomeOwner, needOwner } from './folder-owner.ts';
import { fault } from './testing/fault.ts';

const here = new URL('folder-owner.ts', import.meta.url).href;
/** `nobody` of Debian, and a number that is no account. */
const [nobody, strange] = [65_534, 47_110];

async function owned(t: ExecutionContext, uid: number) {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-owner-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  // Made by root for an account, as often, with the group of root.
  if (uid !== process.getuid?.()) await chown(folder, uid, 0);
  return { folder, what: 'the folder of the slots', program: 'atalaya-ota' };
}

/** In a process of its own, since there is no way back. It begins as `uid`. */
async function becoming(of: Awaited<ReturnType<typeof owned>>, uid = 0): Promise<unknown> {
  const script = `
    process.setgid(${uid}); process.setuid(${uid});
    const { becomeOwner } = await import(${JSON.stringify(here)});
    const name = await becomeOwner(${JSON.stringify(of)}).catch(({ code, message, hint }) => ({ code, message, hint }));
    const back = (() => { try { process.setuid(0); return true; } catch { return false; } })();
    const ids = [process.getuid(), process.geteuid(), process.getgid(), process.getegid()];
    console.log(JSON.stringify({ name, back, ids, groups: process.getgroups() }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  return JSON.parse(stdout);
}

const isRoot = (t: ExecutionContext): boolean => {
  if (process.getuid?.() === 0) return true;
  t.log('passed over: only root can be another account');
  t.pass();
  return false;
};

test("one's own folder changes nothing, and one that is not there is named", async (t) => {
  const mine = await owned(t, process.getuid?.() ?? 0);
  t.is(await becomeOwner(mine), undefined);
  await t.notThrowsAsync(needOwner(mine));
  for (const call of [needOwner, becomeOwner]) {
    const gone = await fault(call({ ...mine, folder: join(mine.folder, 'gone') }));
    t.deepEqual(
      [gone.code, gone.message],
      ['usage-invalid', `the folder of the slots is not there: ${mine.folder}/gone`],
    );
  }
});

test('root becomes the owner with its groups, and not root again; where nobody is the owner it stays out', async (t) => {
  if (!isRoot(t)) return;
  const of = await owned(t, nobody);
  t.deepEqual(await becoming(of), { name: 'nobody', back: false, ids: Array(4).fill(nobody), groups: [nobody] });
  const refused = await becoming(await owned(t, strange));
  t.like(refused, { name: { code: 'usage-invalid' }, ids: [0, 0, 0, 0] });
  t.regex(JSON.stringify(refused), /number 47110, which is no account here.*sudo chown -R ACCOUNT: \//);
});

test('any other account is told what to call', async (t) => {
  if (!isRoot(t)) return;
  const of = await owned(t, nobody);
  t.like(await becoming(of, 1), {
    name: { code: 'usage-invalid', hint: 'Run the same call with sudo; atalaya-ota then works as that account.' },
    ids: [1, 1, 1, 1],
  });
  const refused = await fault(needOwner(of));
  t.deepEqual(
    [refused.code, refused.hint],
    ['usage-invalid', "Run this as the account that the unit runs under: sudo -u '#65534' atalaya-ota ..."],
  );
});
