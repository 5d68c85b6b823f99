import { join } from 'node:path';
import { isAction } from './action-shape.ts';
import { type Checkpoint, longestNote, type NoteKeys, originOf, readCheckpoint, sameTree } from './checkpoint.ts';
import { Ledger, type Verdict } from './finding.ts';
import { bodiesOf } from './history.ts';
import { checkKeyCopies } from './key-copies.ts';
import { parseWitness } from './keys.ts';
import { isConsistent } from './merkle.ts';
import { checkSums } from './pack-sums.ts';
import { auditAgeFile } from './package-audit.ts';
import { isProofFault, longestProof, readHashLines } from './proof-text.ts';
import { readUpTo } from './read-file.ts';
import { type Evidence, isEvidence } from './record-shape.ts';
import { digestOfBytes, EntryAudit, type SignedEntry } from './signed-entry.ts';
import { keptName, mustBeFolder, type Trust } from './verify-store.ts';

const inPack = 'spec: audit pack';
const entryFiles = { record: 'record.json', signature: 'record.sig', leaf: 'leaf', inclusion: 'log/inclusion' };
const erasureFiles = {
  record: 'erasure/record.json',
  signature: 'erasure/record.sig',
  leaf: 'erasure/leaf',
  inclusion: 'erasure/inclusion',
};

/** Everything else that a pack may hold: made for people from what is proven, and proven by `SHA256SUMS` alone. */
const derived = /^(VERIFY\.md|verify\.sh|sheet\.html|sheet\.pdf|clip\.txt|opened\/[^/]+)$/;
const proven =
  /^(SHA256SUMS|record\.(json|sig)|leaf|log\/(checkpoint|inclusion|since|consistency)|keys\/unit\.(pem|vkey)|files\/.*|erasure\/(record\.(json|sig)|leaf|inclusion))$/;

/**
 * Verifies an audit pack against the unit's public key alone; the key in the pack is only compared with it. No damage throws: it is
 * a finding. Throws `usage-invalid` where the folder is not there or a witness's key is none.
 */
export async function verifyPack(folder: string, trust: Trust): Promise<Verdict> {
  const begun = performance.now();
  await mustBeFolder(folder);
  const ledger = new Ledger();
  const keys = { key: trust.key, witnesses: (trust.witnesses ?? []).map(parseWitness) };
  const there = await checkSums(folder, ledger);
  const checkpoint = await checkpointAt(folder, 'log/checkpoint', keys, ledger, true);
  const audit = new EntryAudit(folder, keys, ledger);
  const stated = await audit.entry(entryFiles, checkpoint);
  ledger.unit = checkpoint?.unit ?? stated?.record.unit;
  if (checkpoint !== undefined) {
    ledger.checkpoint = { size: checkpoint.size, root: checkpoint.root.toString('base64') };
    ledger.witnessed = checkpoint.witnessed;
  }
  sameUnit(stated, 'record.json', ledger);

  const since = await consistency(folder, there, keys, checkpoint, ledger);
  for (const [index, text] of (trust.checkpoints ?? []).entries()) {
    const path = keptName(index);
    const kept = readCheckpoint(Buffer.from(text), keys, { part: 'checkpoint', path, offset: 0 }, ledger);
    if (kept !== undefined && checkpoint !== undefined) compareKept(kept, path, checkpoint, since, ledger);
  }

  const erased = [...there].some((path) => path.startsWith('erasure/'));
  const erasure = erased ? await audit.entry(erasureFiles, checkpoint) : undefined;
  if (erasure !== undefined) sameUnit(erasure, erasureFiles.record, ledger);
  await files(folder, there, stated, erased ? { entry: erasure } : undefined, ledger);
  if (ledger.unit !== undefined) await checkKeyCopies(folder, 'keys', trust.key, originOf(ledger.unit), ledger);
  await derivedFiles(folder, there, stated, ledger);
  others(there, ledger);
  return ledger.verdict((performance.now() - begun) / 1000);
}

const derivedNames = ['sheet.html', 'sheet.pdf', 'VERIFY.md', 'verify.sh'];

/** What was made from the record for people: the list of a clip's frames can be held against it, of the rest nothing proves anything. */
async function derivedFiles(
  folder: string,
  there: ReadonlySet<string>,
  stated: SignedEntry | undefined,
  ledger: Ledger,
): Promise<void> {
  const derived = derivedNames.filter((name) => there.has(name));
  if (derived.length > 0) {
    const says = `No signature covers what was made for people to read: ${derived.join(', ')}.`;
    ledger.note({ part: 'file', path: derived[0] ?? '', check: inPack, says });
  }
  const list = await readUpTo(join(folder, 'clip.txt'), longestProof);
  const clips = clipFrames(stated?.record);
  if (list === 'absent' && clips.length === 0) return;
  const wanted = `frame elapsed-ms first-byte bytes\n${clips.map((frame) => `${frame.map((one) => JSON.stringify(one)).join(' ')}\n`).join('')}`;
  if (Buffer.isBuffer(list) && clips.length > 0 && list.toString() === wanted) return;
  ledger.fail({ part: 'file', path: 'clip.txt', check: inPack, says: 'It is not the list of frames in the record.' });
}

/** The frames of the record's clips; the shape was checked before. */
function clipFrames(record: object | undefined): readonly (readonly unknown[])[] {
  const files = record !== undefined && 'files' in record && Array.isArray(record.files) ? record.files : [];
  return files.flatMap((file: { readonly frames?: unknown }) => (Array.isArray(file.frames) ? file.frames : []));
}

async function checkpointAt(
  folder: string,
  path: string,
  keys: NoteKeys,
  ledger: Ledger,
  needed: boolean,
): Promise<Checkpoint | undefined> {
  const where = { part: 'checkpoint' as const, path };
  const content = await readUpTo(join(folder, path), longestNote);
  if (Buffer.isBuffer(content)) return readCheckpoint(content, keys, { ...where, offset: 0 }, ledger);
  if (content !== 'absent') ledger.fail({ ...where, check: inPack, says: content.says });
  else if (needed) ledger.fail({ ...where, check: inPack, says: 'The checkpoint is missing.' });
  return undefined;
}

function sameUnit(stated: SignedEntry | undefined, path: string, ledger: Ledger): void {
  if (stated === undefined || stated.record.unit === ledger.unit) return;
  const says = 'The record is of another unit than the checkpoint.';
  ledger.fail({ part: 'record', path, check: 'spec: one unit a log', says });
}

/** The auditor's older checkpoint in the pack, where it is proven that the log still begins with it. */
async function consistency(
  folder: string,
  there: ReadonlySet<string>,
  keys: NoteKeys,
  checkpoint: Checkpoint | undefined,
  ledger: Ledger,
): Promise<Checkpoint | undefined> {
  const [sincePath, path] = ['log/since', 'log/consistency'];
  if (!there.has(sincePath) && !there.has(path)) return undefined;
  const since = await checkpointAt(folder, sincePath, keys, ledger, true);
  const where = { part: 'consistency-proof' as const, path };
  const content = await readUpTo(join(folder, path), longestProof);
  if (!Buffer.isBuffer(content)) {
    ledger.fail({ ...where, check: inPack, says: content === 'absent' ? 'The proof is missing.' : content.says });
    return undefined;
  }
  const proof = readHashLines(content);
  if (isProofFault(proof)) {
    ledger.fail({ ...where, byte: proof.byte, check: 'RFC 6962 §2.1.2', says: `The proof: ${proof.says}.` });
    return undefined;
  }
  if (since === undefined || checkpoint === undefined) return undefined;
  return provenGrowth(since, checkpoint, proof, { ...where, older: sincePath }, ledger) ? since : undefined;
}

interface GrowthPlace {
  readonly part: 'consistency-proof' | 'checkpoint';
  readonly path: string;
  /** Where the older checkpoint lies. */
  readonly older: string;
}

/** True where the newer log begins with the older; what is wrong goes to the ledger, each case by its name. */
export function provenGrowth(
  older: Checkpoint,
  newer: Checkpoint,
  proof: readonly Buffer[],
  { part, path, older: olderPath }: GrowthPlace,
  ledger: Ledger,
): boolean {
  const check = 'RFC 6962 §2.1.2';
  const ofCheckpoints = (says: string, clause = check) =>
    ledger.fail({ part: 'checkpoint', path: olderPath, check: clause, says });
  if (older.unit !== newer.unit) {
    ofCheckpoints(`The checkpoints are of two units, ${older.unit} and ${newer.unit}.`, 'spec: one unit a log');
  } else if (older.size > newer.size) {
    ofCheckpoints(`Rolled back: the older checkpoint covers ${older.size} entries, the newer ${newer.size}.`);
  } else if (older.size === newer.size && !sameTree(older, newer)) {
    ofCheckpoints(`Rewritten: both checkpoints cover ${older.size} entries, and their roots differ.`);
  } else if (isConsistent(older, newer, proof)) return true;
  else {
    const says = `The proof does not show that the ${newer.size} entries begin with the ${older.size} of the older checkpoint.`;
    ledger.fail({ part, path, check, says });
  }
  return false;
}

function compareKept(
  kept: Checkpoint,
  path: string,
  newest: Checkpoint,
  since: Checkpoint | undefined,
  ledger: Ledger,
): void {
  const where = { part: 'checkpoint' as const, path, check: 'RFC 6962 §2.1.2' };
  const known = [newest, ...(since === undefined ? [] : [since])].find(({ size }) => size === kept.size);
  if (kept.unit !== newest.unit) {
    const says = `It is of the unit ${kept.unit}, the pack of ${newest.unit}.`;
    ledger.fail({ ...where, check: 'spec: one unit a log', says });
  } else if (known !== undefined && !sameTree(known, kept)) {
    ledger.fail({ ...where, says: `The log was rewritten: over ${kept.size} entries the pack has another root.` });
  } else if (known === undefined) {
    const says =
      kept.size > newest.size
        ? `It covers ${kept.size} entries, the pack's checkpoint ${newest.size}: the pack is older, and nothing shows that the two belong together.`
        : 'The pack holds no proof from this checkpoint to its own: export it with this checkpoint as the older one.';
    ledger.fail({ ...where, says });
  }
}

/** The ciphertexts, or their destruction. */
async function files(
  folder: string,
  there: ReadonlySet<string>,
  stated: SignedEntry | undefined,
  erasure: { readonly entry: SignedEntry | undefined } | undefined,
  ledger: Ledger,
): Promise<void> {
  if (stated === undefined) return;
  if (!isEvidence(stated.record)) {
    if (stated.sound) ledger.counts.actions += 1;
    const says = 'The record of a pack must be one of evidence that this software knows: its files were not checked.';
    ledger.fail({ part: 'record', path: entryFiles.record, check: inPack, says });
    return;
  }
  if (!stated.sound) return;
  const evidence = stated.record;
  ledger.counts.evidence += 1;
  if (erasure !== undefined) erased(evidence, erasure.entry, there, ledger);
  else await ciphertexts(folder, evidence, ledger);
  const names = new Set(evidence.files.map(({ name }) => name));
  for (const path of there) {
    const [top, name = ''] = path.split(/\/(.*)/s);
    const right = top === 'files' ? name.endsWith('.age') && names.has(name.slice(0, -4)) : names.has(name);
    if ((top !== 'files' && top !== 'opened') || right) continue;
    ledger.fail({ part: 'file', path, check: inPack, says: 'The record names no such file.' });
  }
  await opened(folder, there, evidence, ledger);
}

async function ciphertexts(folder: string, { files: named, sealing }: Evidence, ledger: Ledger): Promise<void> {
  const headers: Buffer[] = [];
  for (const file of named) {
    const header = await auditAgeFile(folder, `files/${file.name}.age`, file, ledger);
    if (header !== undefined) headers.push(header);
  }
  if (sealing === null || headers.length < named.length) return;
  const keys = Buffer.concat(headers);
  if (keys.byteLength === sealing.keys.bytes && digestOfBytes(keys) === sealing.keys.sha256) return;
  const says = 'The headers of the files are not the key file that the record names.';
  ledger.fail({ part: 'key-file', path: 'files', check: 'spec: key file of a package', says });
}

function erased(evidence: Evidence, entry: SignedEntry | undefined, there: ReadonlySet<string>, ledger: Ledger): void {
  const where = {
    part: 'erasure' as const,
    path: erasureFiles.record,
    check: 'spec: an erasure names what it destroys',
  };
  if (entry?.sound === true) {
    const action = isAction(entry.record) ? entry.record.action : undefined;
    const bodies = bodiesOf(evidence.files).toSorted().join();
    if (action?.kind !== 'erase' || action.evidence !== evidence.id) {
      ledger.fail({ ...where, says: `It is not the erasure of ${evidence.id}.` });
    } else if (action.keys !== (evidence.sealing?.keys.sha256 ?? null) || action.bodies.toSorted().join() !== bodies) {
      ledger.fail({ ...where, says: 'It does not name exactly the key file and the bodies of the package.' });
    } else if (entry.record.sequence <= evidence.sequence) {
      ledger.fail({ ...where, says: 'It stands before the evidence that it erases.' });
    } else ledger.counts.erased += 1;
  }
  for (const path of there) {
    if (!path.startsWith('files/') && !path.startsWith('opened/')) continue;
    const says = 'Destruction not finished: the package was erased, and this file is here.';
    ledger.fail({ ...where, path, check: 'spec: an erasure destroys what it names', says });
  }
}

/** Bytes of an opened plate and of a picture of it, which are read whole: far more than a unit writes. */
const longestPlate = 4 * 1024 * 1024;
const longestPicture = 64 * 1024 * 1024;

/** Opened files are made with the authority's key; without it only the plate can be held against the record, and its pictures against the plate. */
async function opened(folder: string, there: ReadonlySet<string>, { plate }: Evidence, ledger: Ledger): Promise<void> {
  const count = [...there].filter((path) => path.startsWith('opened/')).length;
  if (count === 0) return;
  const says = `${count} opened ${count === 1 ? 'file was' : 'files were'} not held against the ciphertext, which takes the authority's key.`;
  ledger.note({ part: 'file', path: 'opened', check: inPack, says });
  const path = `opened/${plate?.file}`;
  if (plate === undefined || !there.has(path)) return;
  const where = { part: 'file' as const, path, check: 'spec: commitment to the plate' };
  const content = await readUpTo(join(folder, path), longestPlate + 1);
  if (!Buffer.isBuffer(content)) {
    ledger.fail({ ...where, says: content === 'absent' ? 'The file is missing.' : content.says });
  } else if (content.byteLength > longestPlate || digestOfBytes(content) !== plate.commitment) {
    ledger.fail({ ...where, says: 'It is not the plate that the record commits to.' });
  } else {
    for (const { name, sha256 } of picturesIn(content)) {
      const path = `opened/${name}`;
      if (!there.has(path)) continue;
      const picture = await readUpTo(join(folder, path), longestPicture + 1);
      if (Buffer.isBuffer(picture) && digestOfBytes(picture) === sha256) continue;
      ledger.fail({ ...where, path, says: 'It is not the picture that the plate commits to.' });
    }
  }
}

/** The pictures that a plate names, whose bytes the record commits to; none where it names none. */
function picturesIn(plate: Buffer): readonly { readonly name: string; readonly sha256: string }[] {
  try {
    const { pictures }: { readonly pictures?: unknown } = JSON.parse(plate.toString()) ?? {};
    if (!Array.isArray(pictures)) return [];
    return pictures.filter((one) => typeof one?.name === 'string' && typeof one.sha256 === 'string');
  } catch {
    return [];
  }
}

function others(there: ReadonlySet<string>, ledger: Ledger): void {
  for (const path of there) {
    if (proven.test(path) || derived.test(path)) continue;
    ledger.note({ part: 'file', path, check: inPack, says: 'No part of a pack has this name.' });
  }
}
