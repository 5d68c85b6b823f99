import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { done, refused, withEvidence } from './testing/audit-trial.ts';
import { audit } from './testing/run-audit.ts';

test.serial('repair makes index and log hashes anew and removes leftovers, and nothing else', async (t) => {
  const made = await withEvidence(t);
  const tile = join(made.store, 'log/tile/0/000.p');
  const [name = ''] = await readdir(tile);
  const hashes = await readFile(join(tile, name));
  await writeFile(join(tile, name), hashes.fill(0xff, 3, 4));
  await writeFile(join(made.store, 'index/00000000.json'), 'damaged');
  const leftover = createHash('sha256').update('a seal that was cut off').digest('hex');
  await mkdir(join(made.store, 'blobs', leftover.slice(0, 2)), { recursive: true });
  await writeFile(join(made.store, 'blobs', leftover.slice(0, 2), leftover), 'a seal that was cut off');
  const key = ['--key', made.publicKey];
  const before = await audit('verify', made.data, ...key);
  t.is(before.code, 3);
  t.regex(before.said, /FAILURE tile: .*, byte 3\n/);
  t.regex(before.said, /Nothing names this file/);

  const said = await done(t, made, 'repair', '--store', made.data);
  t.regex(
    said,
    /hashes of the log were made anew and agree with its checkpoint\n1 document of the index was made anew\n1 leftover/,
  );
  t.regex(await done(t, made, 'verify', made.data, ...key), /^OK\n(.*\n)*.*0\s+notices/);
  t.regex(await done(t, made, 'repair', '--store', made.data), /no leftovers\n$/);
});

test.serial('the cosignature of a known witness is kept and verified; any other is refused', async (t) => {
  const made = await withEvidence(t);
  const at = (name: string) => join(made.home, name);
  await done(t, made, 'checkpoint', '--store', made.data, '--out', at('checkpoint'));
  const witness = makeWitness('centre.example/witness');
  await writeFile(at('witness.vkey'), `${witness.vkey}\n`);
  await writeFile(at('cosigned'), witness.cosign(await readFile(at('checkpoint'), 'utf8')));
  await writeFile(at('stranger.vkey'), `${makeWitness('centre.example/witness').vkey}\n`);

  const on = ['--store', made.data];
  await refused(
    t,
    made,
    1,
    /^cosignature-refused: /,
    'cosign',
    at('cosigned'),
    ...on,
    '--witness',
    at('stranger.vkey'),
  );
  t.regex(
    await done(t, made, 'cosign', at('cosigned'), ...on, '--witness', at('witness.vkey')),
    /bears the cosignatures/,
  );
  const said = await done(t, made, 'verify', made.data, '--key', made.publicKey, '--witness', at('witness.vkey'));
  t.regex(said, /^OK\n(.*\n)*witness centre\.example\/witness at 2026-01-01T00:00:00\.000Z\n/);
});

/** A witness by the text of C2SP tlog-cosignature alone. */
function makeWitness(name: string): { readonly vkey: string; readonly cosign: (note: string) => string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = Buffer.concat([Buffer.of(4), publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)]);
  const id = createHash('sha256').update(`${name}\n`).update(key).digest().subarray(0, 4);
  return {
    vkey: `${name}+${id.toString('hex')}+${key.toString('base64')}`,
    cosign: (note) => {
      const seconds = 1_767_225_600n;
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(seconds);
      const text = note.slice(0, note.indexOf('\n\n') + 1);
      const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), privateKey);
      return `${note}— ${name} ${Buffer.concat([id, time, signature]).toString('base64')}\n`;
    },
  };
}
