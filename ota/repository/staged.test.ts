import test from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { fingerprintOf } from './metadata.ts';
import { stageRotation } from './stage-changes.ts';
import {
  collectSignatures,
  isSigned,
  keepStaged,
  readStaged,
  type Staged,
  signStaged,
  stagedIn,
  writeStaged,
} from './staged.ts';
import { summaryOf } from './summary.ts';
import {
  addMade,
  eight,
  folder,
  foundedPublisher,
  type MadePublisher,
  madeAt,
  model,
  publishMade,
  seven,
  signWaiting,
} from './testing/made-publisher.ts';
import { memorySigner } from './testing/memory-signers.ts';

/** Seven is published, eight waits with one signature. */
async function waiting(): Promise<MadePublisher & { readonly staged: Staged }> {
  const made = await foundedPublisher(seven);
  await addMade(made, [eight]);
  await signWaiting(made, [made.people[0]]);
  const staged = await stagedIn(made.files, folder, 'image', 'targets');
  if (staged === undefined) throw new Error('nothing waits');
  return { ...made, staged };
}

type Node = { [key: string]: unknown };

/** The staged file with other values in its JSON, each at its path; a function is given what stood there. */
const changed = (staged: Staged, ...changes: readonly (readonly [string, unknown])[]): Buffer => {
  const value: unknown = JSON.parse(writeStaged(staged).toString());
  for (const [path, to] of changes) {
    const keys = path.split('/');
    const last = keys.pop() ?? '';
    const node = keys.reduce<Node>((at, key) => at[key] as Node, value as Node);
    node[last] = typeof to === 'function' ? to(node[last]) : to;
  }
  return Buffer.from(JSON.stringify(value));
};

test('a key holder sees all that differs from what is published, and who has signed', async (t) => {
  const { staged, people, files } = await waiting();
  const lines = summaryOf(readStaged(writeStaged(staged), 'it'), 'it').join('\n');
  t.regex(
    lines,
    /^targets of the image repository, version 3, good until \S+Z\nfingerprint [0-9a-f]{64}\nbelow the first root [0-9a-f]{64}\n/,
  );
  t.regex(
    lines,
    /^\+ unit-1\.8\.0-r8-x64\.tar\.zst: program unit 1\.8\.0, release 8, for x64, 1\d+ bytes, [0-9a-f]{16}$/m,
  );
  t.notRegex(lines, /r7/);
  t.true(lines.includes(`1 of 2 signatures by root 1: ${people[0].keyId.slice(0, 16)}`));
  const fresh = memorySigner('p256');
  const root = await stageRotation(
    files,
    folder,
    { repository: 'image', roles: ['root'], out: [people[0].keyId], in: [fresh.publicKey], threshold: 3 },
    madeAt,
  );
  const rotation = summaryOf(root, 'it').join('\n');
  t.true(rotation.includes(`+ root: key ${fresh.keyId.slice(0, 16)} (ecdsa)`));
  t.true(rotation.includes(`- root: key ${people[0].keyId.slice(0, 16)} (ed25519)`));
  t.true(rotation.includes('~ root: 3 of 3 keys have to sign, before 2 of 3'));
});

test('whatever somebody changes in a staged file between two signatures is refused with its reason', async (t) => {
  const { staged, people } = await waiting();
  const thief = memorySigner();
  const hash = `metadata/signed/targets/${eight.target.target}/hashes/sha256`;
  const [founder] = people;
  const refusals: readonly (readonly [string, string, unknown, RegExp])[] = [
    ['another hash', hash, 'a'.repeat(64), /was changed after the key [0-9a-f]{16} had signed it/],
    ['no targets', 'metadata/signed/targets', {}, /was changed after/],
    ['a field more', 'metadata/signed/surprise', 1, /was changed after/],
    ['a later end', 'metadata/signed/expires', '2099-01-01T00:00:00Z', /was changed after/],
    ['an end that says more', 'metadata/signed/expires', '2027-01-01 (in a year)', /end is no date and time/],
    ['a role more', 'roots/0/signed/roles/other', { keyids: [], threshold: 1 }, /role that nobody knows/],
    ['another version', 'metadata/signed/version', 9, /is version 9, and 3 is next/],
    ['a signature of nobody', 'metadata/signatures/1', { keyid: thief.keyId, sig: 'ab' }, /that key has no say in it/],
    ['a broken signature', 'metadata/signatures/0/sig', '00', /was changed after/],
    ['one signature twice', 'metadata/signatures', (all: unknown[]) => [all[0], all[0]], /multiple signatures/],
    ['other published targets', 'current/signed/targets', {}, /said to be published are not signed by enough/],
    ['a lower threshold', 'roots/0/signed/roles/targets/threshold', 1, /root 1 .* is not signed by enough keys/],
    ['a threshold of none', 'roots/0/signed/roles/targets/threshold', 0, /threshold/],
    [
      'another key',
      `roots/0/signed/keys/${founder.keyId}`,
      thief.publicKey,
      /names a key [0-9a-f]{16} that is another/,
    ],
    ['delegations', 'metadata/signed/delegations', { keys: {}, roles: [] }, /hands targets on to other keys/],
    ['another role', 'role', 'root', /is no root metadata/],
    ['another form', 'schema', 'atalaya/staged-metadata/2', /schema/],
  ];
  for (const [name, path, to, why] of refusals) {
    const error = t.throws(() => readStaged(changed(staged, [path, to]), 'it'), undefined, name);
    t.true(isAtalayaError(error, 'document-refused'), name);
    t.regex(error?.message ?? '', why, name);
  }
  const unsigned = readStaged(changed(staged, [hash, 'a'.repeat(64)], ['metadata/signatures', []]), 'it');
  await signStaged(unsigned, people[1]);
  t.regex(
    (await fault((async () => collectSignatures(staged, unsigned))())).message,
    /another change \([0-9a-f]{16}\) than the one that is staged/,
  );
});

test('each key signs once, keys without a say never, and copies that were signed apart are brought together', async (t) => {
  const made = await waiting();
  const { staged, people, files } = made;
  t.regex((await fault(signStaged(staged, people[0]))).message, /has signed it already/);
  t.is((await fault(signStaged(staged, memorySigner()))).code, 'key-mismatch');
  t.is((await fault(signStaged(staged, made.office.timestamp))).code, 'key-mismatch');
  const copy = readStaged(writeStaged(staged), 'the copy');
  await signStaged(copy, people[2]);
  t.false(isSigned(staged));
  t.is(collectSignatures(staged, copy), 1);
  t.is(collectSignatures(staged, copy), 0);
  t.true(isSigned(staged));
  await keepStaged(files, folder, staged);
  t.is((await publishMade(made)).changes.length, 1);
});

test('what is staged anew has lost its signatures, and what was published meanwhile makes it stale', async (t) => {
  const made = await waiting();
  await addMade(made, [model]);
  const anew = await stagedIn(made.files, folder, 'image', 'targets');
  t.deepEqual(Object.keys(anew?.metadata.signatures ?? { x: 1 }), []);
  t.is(Object.keys(anew?.metadata.signed.targets ?? {}).length, 3);
  await signWaiting(made, [made.people[0], made.people[1]]);
  await publishMade(made);
  await keepStaged(made.files, folder, made.staged);
  t.regex((await fault(publishMade(made))).message, /does not follow what is published/);
});

test('a byte that is changed in a staged file is refused, or was none that counts', async (t) => {
  const { staged } = await waiting();
  const bytes = writeStaged(staged);
  const signed = fingerprintOf(staged.metadata);
  fc.assert(
    fc.property(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      try {
        const read = readStaged(damaged, 'it');
        return fingerprintOf(read.metadata) === signed && read.roots.length === staged.roots.length;
      } catch (error) {
        return isAtalayaError(error) && ['document-refused', 'key-invalid'].includes(error.code);
      }
    }),
    { numRuns: 60 },
  );
  t.pass();
});
