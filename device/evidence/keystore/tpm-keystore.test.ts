import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { AtalayaError, type ErrorCode } from '../../kernel/errors.ts';
import { milliseconds } from '../../kernel/units.ts';
import { makeGuardedKey, makeStorageKey } from './testing/foreign-keys.ts';
import { keystoreContract, verifies } from './testing/keystore-contract.ts';
import { missingPrograms, type Swtpm, startSwtpm } from './testing/swtpm.ts';
import { TpmKeystore, type TpmOptions } from './tpm-keystore.ts';
import { installedTpmTools, type TpmTools } from './tpm-tools.ts';

const missing = await missingPrograms();
const swtpm = missing.length === 0 ? await startSwtpm() : undefined;
test.after.always(() => swtpm?.stop());

const handles = {
  contract: 0x81010001,
  made: 0x81010010,
  second: 0x81010011,
  empty: 0x81010012,
  foreign: 0x81010013,
  guarded: 0x81010014,
} as const;
const hex = (handle: number) => `0x${handle.toString(16)}`;

/** One after the other: without a resource manager a TPM has room for three objects. */
function withTpm(says: string, check: (tpm: Swtpm, t: ExecutionContext) => Promise<void>): void {
  test.serial(says, async (t) => {
    if (swtpm === undefined) passOver(t);
    else await check(swtpm, t);
  });
}

function passOver(t: ExecutionContext): void {
  t.log(`${missing.join(' and ')} not installed (packages swtpm and tpm2-tools): passed over`);
  t.pass();
}

test.serial.before(async () => {
  if (swtpm !== undefined) await (await TpmKeystore.create({ tcti: swtpm.tcti, handle: handles.contract })).close();
});

keystoreContract(test.serial, 'a TPM', 'p256', async (t) => {
  if (swtpm !== undefined) return TpmKeystore.open({ tcti: swtpm.tcti, handle: handles.contract });
  passOver(t);
  return undefined;
});

withTpm('a key is made once and stays; another handle has another one', async ({ tcti, tool }, t) => {
  const made = await TpmKeystore.create({ tcti, handle: handles.made });
  const opened = await TpmKeystore.open({ tcti, handle: handles.made });
  t.is(opened.id, made.id);
  t.is(await refusal(t, TpmKeystore.create({ tcti, handle: handles.made })), 'key-exists');
  t.is((await TpmKeystore.open({ tcti, handle: handles.made })).id, made.id);
  t.not((await TpmKeystore.create({ tcti, handle: handles.second })).id, made.id);
  t.is((await tool('tpm2_getcap', 'handles-transient')).trim(), '', 'nothing is left loaded in the TPM');
});

withTpm('the key was made in the TPM, cannot leave it, and only signs', async ({ tool }, t) => {
  const text = await tool('tpm2_readpublic', '-c', hex(handles.contract));
  t.regex(text, /value: fixedtpm\|fixedparent\|sensitivedataorigin\|userwithauth\|noda\|sign\n/);
});

withTpm('nothing is left in the temporary folder', async ({ tcti }, t) => {
  const keystore = await TpmKeystore.open({ tcti, handle: handles.contract });
  await Promise.all([keystore.sign(Buffer.from('a')), keystore.sign(Buffer.from('b'))]);
  await t.throwsAsync(TpmKeystore.open({ tcti, handle: handles.empty }));
  t.deepEqual(
    (await readdir(tmpdir())).filter((name) => name.startsWith(`atalaya-tpm-${process.pid}-`)),
    [],
  );
});

withTpm('an empty handle is told as a missing key, also when it was emptied since', async ({ tcti, tool }, t) => {
  t.is(await refusal(t, TpmKeystore.open({ tcti, handle: handles.empty })), 'key-missing');
  const keystore = await TpmKeystore.create({ tcti, handle: handles.empty });
  await tool('tpm2_evictcontrol', '-Q', '-C', 'o', '-c', hex(handles.empty));
  t.is(await refusal(t, keystore.sign(Buffer.from('m'))), 'key-missing');
});

withTpm('a key that was made for something else is refused, and not overwritten', async ({ tcti, tool }, t) => {
  await makeStorageKey(tool, hex(handles.foreign));
  t.is(await refusal(t, TpmKeystore.open({ tcti, handle: handles.foreign })), 'key-invalid');
  t.is(await refusal(t, TpmKeystore.create({ tcti, handle: handles.foreign })), 'key-exists');
});

withTpm('a wrong signature of a failing TPM is not given out', async ({ tcti }, t) => {
  const faulty = new FaultyTools(installedTpmTools(tcti));
  const keystore = await TpmKeystore.open({ tools: faulty, handle: handles.contract });
  const message = Buffer.from('m');
  const whole = await keystore.sign(message);
  t.true(verifies(keystore, message, whole));
  for (const at of [0, 3, 5, 6, 30, 37, 39, 40, 71]) {
    faulty.flip = at;
    t.is(await refusal(t, keystore.sign(message), `byte ${at}`), 'key-unavailable');
  }
  faulty.flip = undefined;
  t.true(verifies(keystore, message, await keystore.sign(message)), 'and it goes on when the TPM does');
});

withTpm('a TPM that hangs is given up at the deadline, and used again when it answers', async (tpm, t) => {
  const deadline = milliseconds(400);
  const keystore = await TpmKeystore.open({ tcti: tpm.tcti, handle: handles.contract, deadline });
  tpm.pause();
  const start = performance.now();
  const faults = await Promise.all(
    [1, 2, 3].map((i) => t.throwsAsync(keystore.sign(Buffer.of(i)), { instanceOf: AtalayaError })),
  );
  const took = performance.now() - start;
  tpm.resume();
  t.true(faults.every((fault) => fault?.code === 'deadline-exceeded'));
  const turnless = faults.map((fault) => fault?.message.startsWith('no turn'));
  t.deepEqual(turnless, [false, true, true], 'whose time is over while it waits does not bother the TPM');
  t.true(took >= 390 && took < 3000, `${took} ms for all of them, those that waited included`);
  const patient = await TpmKeystore.open({ tcti: tpm.tcti, handle: handles.contract });
  const message = Buffer.from('m');
  t.true(verifies(patient, message, await patient.sign(message)));
  t.true(verifies(keystore, message, await keystore.sign(message)), 'the same keystore too');
});

test.serial('what is in the way is told, with what to do', async (t) => {
  if (missing.includes('tpm2_sign')) return passOver(t);
  const cases: readonly (readonly [TpmOptions, ErrorCode, RegExp])[] = [
    [{ tcti: 'device:/dev/no-such-tpm' }, 'key-unavailable', /no TPM at device:.*No such file/],
    [{ tcti: 'swtpm:host=127.0.0.1,port=9' }, 'key-unavailable', /no TPM at swtpm:.*Connection refused/],
    [{ tcti: 'no-such-kind:; touch /tmp/x' }, 'key-unavailable', /no TPM at no-such-kind/],
    [{ handle: 0x80000000 }, 'key-invalid', /persistent handle/],
    [{ handle: 0x81800000 }, 'key-invalid', /persistent handle/],
    [{ handle: 0x81010001 + 0.5 }, 'key-invalid', /persistent handle/],
  ];
  for (const [options, code, message] of cases) {
    for (const attempt of [TpmKeystore.open(options), TpmKeystore.create(options)]) {
      const error = await t.throwsAsync(attempt, { instanceOf: AtalayaError });
      t.is(error?.code, code);
      t.regex(error?.message ?? '', message);
      t.truthy(error?.hint);
    }
  }
});

test.serial('missing programs are told by the name of their package', async (t) => {
  const tools = installedTpmTools('device:/dev/tpmrm0', { PATH: '/nowhere' });
  const error = await t.throwsAsync(TpmKeystore.open({ tools }), { instanceOf: AtalayaError });
  t.is(error?.code, 'program-missing');
  t.regex(error?.hint ?? '', /tpm2-tools/);
});

withTpm('a locked-out TPM is told as such, and does not lock out the key of a unit', async ({ tcti, tool }, t) => {
  await makeGuardedKey(tool, hex(handles.guarded));
  const open = () => TpmKeystore.open({ tcti, handle: handles.guarded });
  await tool('tpm2_dictionarylockout', '-s', '-n', '1', '-t', '1000', '-l', '1000');
  t.is(await refusal(t, open()), 'key-invalid', 'a key with a password is none for a unit');
  const error = await t.throwsAsync(open(), { instanceOf: AtalayaError });
  t.is(error?.code, 'key-unavailable');
  t.regex(error?.message ?? '', /locked out/);
  const keystore = await TpmKeystore.open({ tcti, handle: handles.contract });
  t.true(verifies(keystore, Buffer.from('m'), await keystore.sign(Buffer.from('m'))));
});

withTpm('an owner hierarchy with a password is told as such', async ({ tcti, tool }, t) => {
  await tool('tpm2_changeauth', '-c', 'o', 'secret');
  const error = await t.throwsAsync(TpmKeystore.create({ tcti, handle: handles.empty }), { instanceOf: AtalayaError });
  t.is(error?.code, 'key-invalid');
  t.regex(error?.message ?? '', /password/);
  await tool('tpm2_changeauth', '-c', 'o', '-p', 'secret');
});

/** Code of the fault with which it is refused. */
async function refusal(t: ExecutionContext, attempt: Promise<unknown>, message?: string): Promise<string | undefined> {
  return (await t.throwsAsync(attempt, { instanceOf: AtalayaError }, message))?.code;
}

/** Turns the bits of one byte of every signature. */
class FaultyTools implements TpmTools {
  readonly #tools: TpmTools;
  flip: number | undefined;

  constructor(tools: TpmTools) {
    this.#tools = tools;
  }

  get tcti(): string {
    return this.#tools.tcti;
  }

  async run(...[program, args, deadline]: Parameters<TpmTools['run']>): Promise<string> {
    const said = await this.#tools.run(program, args, deadline);
    if (program === 'tpm2_sign' && this.flip !== undefined) {
      const out = args[args.indexOf('-o') + 1] as string;
      const bytes = await readFile(out);
      bytes[this.flip] = (bytes[this.flip] ?? 0) ^ 0xff;
      await writeFile(out, bytes);
    }
    return said;
  }
}
