import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { systemFiles } from '../../kernel/files.ts';
import { formatVkey, noteKey } from './note.ts';
import { leafOf, leavesUpTo, logOver, makeWitness, unitSigner } from './testing/log-fixtures.ts';
import { TransparencyLog } from './transparency-log.ts';

/** Debian's golang-go and golang-golang-x-mod-dev: an implementation of logs, tiles and notes that is not ours. */
const sources = '/usr/share/gocode';
const present =
  spawnSync('go', ['version']).status === 0 && existsSync(join(sources, 'src/golang.org/x/mod/sumdb/tlog'));
const program = join(import.meta.dirname, 'testing/interop/main.go');

/** An older checkpoint at 300, the newest at 70,000: three levels, full and partial tiles. */
const newest = 70_000;
const older = 300;

interface Outcome {
  readonly code: number;
  readonly output: string;
}

async function check(binary: string, given: readonly string[], witnesses: readonly string[] = []): Promise<Outcome> {
  try {
    const env = { ...process.env, WITNESSES: witnesses.join(' ') };
    const { stdout } = await promisify(execFile)(binary, given, { env });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, output: stderr };
  }
}

async function withFolder(t: ExecutionContext, what: (folder: string) => Promise<void>): Promise<void> {
  if (!present) {
    t.log('skipped: the packages golang-go and golang-golang-x-mod-dev are not installed');
    t.pass();
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-interop-'));
  try {
    await what(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function build(folder: string): Promise<string> {
  const binary = join(folder, 'interop');
  const cache = join(tmpdir(), 'atalaya-go-cache');
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: sources, GOFLAGS: '', GOCACHE: cache };
  await promisify(execFile)('go', ['build', '-o', binary, program], { env });
  return binary;
}

for (const algorithm of ['ed25519', 'p256'] as const) {
  test(`golang.org/x/mod accepts checkpoint, tiles, entries and consistency (${algorithm}), and nothing tampered`, (t) =>
    withFolder(t, async (folder) => {
      t.timeout(120_000);
      const binary = await build(folder);
      const signer = unitSigner(algorithm);
      const vkey = formatVkey(noteKey(signer.name, algorithm, signer.spki));
      const witness = makeWitness('witness.example/w1');
      const stored = join(folder, 'log');
      const kept = join(folder, 'older');
      const options = logOver(systemFiles, signer, leavesUpTo(older), { witnesses: [witness.vkey] });
      const log = await TransparencyLog.open(stored, options);
      await copyFile(join(stored, 'checkpoint'), kept);
      while (log.size < newest) log.append(leafOf(log.size));
      const { text } = await log.checkpoint();
      await log.cosign(witness.cosign(text, 1_700_000_000n));
      await log.close();

      const given = [stored, vkey, '997', kept];
      t.deepEqual(await check(binary, given, [witness.vkey]), {
        code: 0,
        output: 'tree of 70000, 71 entries included\nconsistent with the tree of 300\n',
      });
      await writeFile(join(folder, 'unit.vkey'), `${vkey}\n`);
      t.is((await check(binary, [stored, join(folder, 'unit.vkey'), '30000'])).code, 0);

      const tampered = join(folder, 'tampered');
      const flips: [string, number, RegExp][] = [
        ['checkpoint', 0, /checkpoint/],
        ['checkpoint', 18, /checkpoint/],
        ['tile/0/000', 8, /inconsistent|entry/],
        ['tile/0/273.p/112', 100, /tree|inconsistent/],
        ['tile/1/000', 8000, /inconsistent|tree|entry/],
        ['tile/2/000.p/1', 31, /inconsistent|tree/],
        ['tile/entries/000', 60, /entry 0/],
        ['tile/entries/273.p/112', 1, /entries|entry/],
      ];
      for (const [name, at, reason] of flips) {
        await cp(stored, tampered, { recursive: true });
        const content = await readFile(join(tampered, name));
        content[at]! ^= 1;
        await writeFile(join(tampered, name), content);
        // Every entry of the last bundle is asked for as well as the first: 69,888 is where that begins.
        const { code, output } = await check(binary, [tampered, vkey, '69888', kept]);
        t.is(code, 1, `${name} ${at}`);
        t.regex(output, reason, `${name} ${at}`);
        await rm(tampered, { recursive: true });
      }

      const stranger = unitSigner(algorithm);
      const other = await TransparencyLog.open(
        join(folder, 'other'),
        logOver(systemFiles, signer, leavesUpTo(older).with(7, leafOf(-1))),
      );
      await other.close();
      t.regex((await check(binary, [stored, vkey, '9999', join(folder, 'other/checkpoint')])).output, /consistency/);
      const wrong = formatVkey(noteKey(signer.name, algorithm, stranger.spki));
      t.regex((await check(binary, [stored, wrong, '9999'])).output, /checkpoint/);
      t.regex((await check(binary, given, [makeWitness('witness.example/w2').vkey])).output, /no signature of/);
    }));
}
