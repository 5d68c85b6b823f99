import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemFiles } from '../../kernel/files.ts';
import { createIdentity, openWith, parseIdentities } from './identity.ts';
import { clear, gather, inPieces, makeParties, openSealer } from './testing/sealing.ts';

/** Debian's age, another implementation of the same format. */
const program = spawnSync('age', ['--version']).status === 0 && spawnSync('age-keygen', ['--version']).status === 0;
const withProgram = program ? test : test.skip;
if (!program) console.log('age and age-keygen are not installed: what is sealed is not opened with them here');

async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'atalaya-age-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

function age(...args: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync('age', args, { maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

withProgram('what is sealed opens with age -d, from slices of the key file and the blobs', async (t) => {
  await using folder = await scratch();
  const { authority, operator, recipients } = await makeParties();
  const { bodies, keys, sealer } = await openSealer(systemFiles, join(folder.path, 'store'), recipients);
  const contents = [0, 1, 65_536, 65_537, 300_000].map((size) => randomBytes(size));
  const sealed = await sealer.seal(contents.map((content, i) => clear(`file-${i}`, content, i === 1)));
  await writeFile(join(folder.path, 'authority.key'), `# authority\n${authority}\n`);
  await writeFile(join(folder.path, 'operator.key'), `${operator}\n`);
  const keyFile = await readFile(keys.path(sealed.keys.sha256));
  let at = 0;
  for (const [i, file] of sealed.files.entries()) {
    const path = join(folder.path, `${file.name}.age`);
    const header = keyFile.subarray(at, at + file.header);
    at += file.header;
    await writeFile(path, Buffer.concat([header, await readFile(bodies.path(file.body))]));
    t.deepEqual(age('-d', '-i', join(folder.path, 'authority.key'), path), contents[i]);
    const forOperator = () => age('-d', '-i', join(folder.path, 'operator.key'), path);
    if (i === 1) t.deepEqual(forOperator(), contents[i]);
    else t.throws(forOperator, { message: /no identity matched/ });
  }
  t.is(at, keyFile.byteLength);
});

withProgram('what age encrypts is opened here, with the identity file that age-keygen wrote', async (t) => {
  await using folder = await scratch();
  const path = join(folder.path, 'made.key');
  t.is(spawnSync('age-keygen', ['-o', path]).status, 0);
  const identities = parseIdentities(await readFile(path, 'utf8'));
  const recipient = spawnSync('age-keygen', ['-y', path]).stdout.toString().trim();
  const other = await createIdentity();
  for (const size of [0, 1, 65_536, 200_001]) {
    const content = randomBytes(size);
    await writeFile(join(folder.path, 'clear'), content);
    const file = age('-r', other.recipient, '-r', recipient, join(folder.path, 'clear'));
    t.deepEqual(await gather(openWith(identities, inPieces(file, 10_000))), content);
    t.deepEqual(await gather(openWith([other.identity], inPieces(file, 10_000))), content);
  }
});
