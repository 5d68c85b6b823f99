import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { missingPrograms, startSwtpm } from '../../device/evidence/keystore/testing/swtpm.ts';
import { evidenceKeyInTpm } from './enrol/evidence-key.ts';

const program = fileURLToPath(new URL('./atalaya-provision.ts', import.meta.url));

function run(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
    );
    child.stdin?.end();
  });
}

test('the program itself: done, failed, called wrongly', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-provision-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const shown = await run('unit', 'show', '--identity', join(folder, 'identity'));
  t.is(shown.code, 0, shown.err);
  t.regex(shown.out, /██[\s\S]*serial [\s\S]*key ([0-9A-F]{4} ){15}[0-9A-F]{4}, in a file\n[\s\S]*not enrolled\n$/);
  const gone = await run('enrol', 'http://127.0.0.1:1', '--unit', 'north-1', '--ca', folder);
  t.is(gone.code, 1);
  t.regex(gone.err, /^link-down: the unit at 127\.0\.0\.1:1 does not answer: /);
  t.is((await run('ca', 'list', '--ca', folder)).code, 2);
  t.is((await run('--version')).code, 0);
  t.is((await run()).code, 2);
});

test('the evidence key is born in a TPM where there is one, and stays the same', async (t) => {
  const missing = await missingPrograms();
  if (missing.length > 0) {
    t.log(`${missing.join(' and ')} not installed (packages swtpm and tpm2-tools): passed over`);
    t.pass();
    return;
  }
  const swtpm = await startSwtpm();
  t.teardown(() => swtpm.stop());
  const place = { tcti: swtpm.tcti, handle: 0x81010001 };
  const made = await evidenceKeyInTpm(place);
  t.like(made.facts, { keptIn: 'tpm', algorithm: 'p256' });
  t.deepEqual(made.settings, { tpmHandle: '0x81010001', tpm: swtpm.tcti });
  t.is((await evidenceKeyInTpm(place)).facts.fingerprint, made.facts.fingerprint);
});
