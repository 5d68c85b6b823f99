import { packNames } from './pack-names.ts';
import type { Inclusion, PackParts } from './pack-parts.ts';

/** VERIFY.md: what the pack proves, and every step of `verify.sh` by hand with the names and figures of this pack. */
export function verifyGuide(parts: PackParts): string {
  const steps = [
    sums(),
    key(parts),
    signature(parts),
    leaf(),
    checkpoint(parts),
    inclusion(parts),
    ...(parts.erasure === undefined ? [] : [erasure(parts)]),
    files(parts),
    ...(parts.since === undefined ? [] : [consistency()]),
  ];
  return `${opening}${steps.map((step, i) => `## ${i + 1}. ${step}`).join('\n')}${closing}`;
}

const opening = `# How to verify this pack

You need openssl, sha256sum and a shell; no software of ours, no network. All of it at once, in this folder:

    sh verify.sh KEY.pem

KEY.pem is the unit's public key. Get it from whoever mounted the unit, or from a pack or a list that you trust already: a key
that comes with a pack says nothing about where the pack comes from. For the same reason use a copy of verify.sh that you trust, or read
it, or go through these steps by hand. Give an older checkpoint that you kept with \`-s\`.

The script prints a line for every part that holds, names the first that does not, and ends with \`OK\` only where all hold.

In the steps, TEMP is any folder outside of this one.

`;

const sums = (): string => `The files are as they were written

    sha256sum -c SHA256SUMS

This finds accidents. Whoever changes a file on purpose changes this list too; what follows finds that.
`;

const key = ({ record }: PackParts): string => `The key

    openssl pkey -pubin -in KEY.pem -pubout -outform DER | sha256sum

must give the \`signer\` of record.json, \`${record.signer}\`,
and \`keys/unit.pem\` must be the same key as KEY.pem.
`;

const signature = ({ publicKey }: PackParts): string => `The record's signature

    ${signatureCommand(publicKey.algorithm, 'record.json', 'record.sig')}
`;

const signatureCommand = (algorithm: PackParts['publicKey']['algorithm'], file: string, signed: string): string =>
  algorithm === 'ed25519'
    ? `openssl pkeyutl -verify -pubin -inkey KEY.pem -rawin -in ${file} -sigfile ${signed}`
    : `openssl dgst -sha256 -verify KEY.pem -signature ${signed} ${file}`;

const leaf = (): string => `The leaf is that of record and signature

    sha256sum -c leaf

The file has exactly these two lines, record.json and record.sig.
`;

function checkpoint({ checkpoint: note, publicKey }: PackParts): string {
  const [origin = '', size = '', root = ''] = note.split('\n').map(plainLine);
  return `The checkpoint

\`log/checkpoint\` states that the log \`${origin}\` has ${size} entries and the root \`${root}\`.
The text that is signed are its first three lines; the line that begins with \`— ${origin} \` bears 4 bytes that name the key and then the
signature, in base64:

    head -n 3 log/checkpoint > TEMP/text
    sed -n 's|^— ${origin} ||p' log/checkpoint | openssl base64 -d -A | tail -c +5 > TEMP/signature
    ${signatureCommand(publicKey.algorithm, 'TEMP/text', 'TEMP/signature')}

Other such lines are those of witnesses; check them with the witnesses' keys, if there are any. Keep this file: against it the next
pack can prove that nothing was rewritten in between.
`;
}

/** The origin comes from the unit's name, which may be any text: here it stands in a command. */
const plainLine = (line: string): string => line.replaceAll(/[^A-Za-z0-9._/+=-]/g, '.');

function inclusion({ record, inclusion: proof, checkpoint: note }: PackParts): string {
  const [, size = '', root = ''] = note.split('\n');
  return `The entry is in the log

From the leaf of entry ${record.sequence} (leaf index ${proof.index}) up to the root, with the hashes of \`log/inclusion\` from its third line on; each goes
to the side that RFC 9162, 2.1.3.2 gives for index ${proof.index} of ${plainLine(size)}:

    { printf '\\000'; cat leaf; } | openssl dgst -sha256 -binary > TEMP/hash
${walk(proof, Number(size))}    openssl base64 -A -in TEMP/hash

must print the third line of log/checkpoint, \`${plainLine(root)}\`. After the empty line, log/inclusion repeats log/checkpoint byte by byte:

    sed '1,/^$/d' log/inclusion | sha256sum
    sha256sum < log/checkpoint
`;
}

/** The commands that hash a leaf up to the root. */
function walk({ index, hashes }: Inclusion, size: number): string {
  let first = index;
  let last = size - 1;
  let commands = '';
  for (const at of hashes.keys()) {
    const left = first % 2 === 1 || first === last;
    commands += `    sed -n ${at + 3}p log/inclusion | openssl base64 -d > TEMP/next
    { printf '\\001'; cat ${left ? 'TEMP/next TEMP/hash' : 'TEMP/hash TEMP/next'}; } | openssl dgst -sha256 -binary > TEMP/node
    cat TEMP/node > TEMP/hash
`;
    while (left && first % 2 === 0 && first > 0) {
      first /= 2;
      last = Math.floor(last / 2);
    }
    first = Math.floor(first / 2);
    last = Math.floor(last / 2);
  }
  return commands;
}

const erasure = ({ erasure: act }: PackParts): string => `The erasure

The files of this evidence were erased; the folder \`erasure\` has the signed entry of the log that says so, as entry ${(act?.inclusion.index ?? 0) + 1}.
Its record.json, record.sig, leaf and inclusion are verified in the same way as those above, against the same checkpoint. Its record
must name this evidence, and as \`keys\` the hash of the key file in record.json: without that file none of the files can be opened again.
`;

function files(parts: PackParts): string {
  const { record, erasure: act } = parts;
  if (act !== undefined)
    return 'The files\n\nThere are none any more. The record still proves which there were, by their hashes.\n';
  if (record.files.length === 0) return 'The files\n\nThe record names none.\n';
  const names = packNames(record.files.map(({ name }) => name));
  const lines = record.files.map(({ sha256 }, i) => `    ${sha256}  files/${names[i]}.age`);
  return `The files are those that the record names

    sha256sum files/*

must give, and record.json must contain, for each file its \`sha256\`:

${lines.join('\n')}

${plateWords(parts)}They are age files (age-encryption.org/v1), sealed to the authority: \`age -d -i AUTHORITY.key FILE\` opens one. What lies in \`opened\`, if
that is there, was opened by the exporter and bears no signature: to prove it, open the sealed file and compare. The sheets, clip.txt and
this text are made from the record for people.
`;
}

/** How the plate is held against the record: by hand where it was opened, else with the authority's key. */
function plateWords({ record: { plate, files: named }, files: given }: PackParts): string {
  const at = named.findIndex(({ role }) => role === 'plate');
  const name = packNames(named.map(({ name }) => name))[at];
  if (plate === undefined || name === undefined) return '';
  const commits = `the record's \`plate.commitment\`, \`${plate.commitment}\``;
  if (given[at]?.opened === undefined) {
    return `Of the plate the record says only whether it was read. \`age -d -i AUTHORITY.key files/${name}.age | sha256sum\` must give
${commits}.

`;
  }
  return `The opened plate needs no key to be checked:

    sha256sum opened/${name}

must give ${commits}.
It names the SHA-256 of the plate's pictures as they are when opened (\`pictures\`).

`;
}

const consistency = (): string => `Nothing was rewritten since the older checkpoint

\`log/since\` must be the checkpoint that you kept, and is verified like log/checkpoint. \`log/consistency\` has the hashes that lead to the
roots of both (RFC 9162, 2.1.4.2). This is the one step that is long by hand; \`verify.sh\` does it with the same commands.
`;

const closing = `
## What this does not prove

That the unit saw right: for that, see the findings, the calibration and the raw data in record.json. That the date is right beyond what
the record says of its clock. That no other log was shown to somebody else: for that, compare checkpoints with others.
`;
