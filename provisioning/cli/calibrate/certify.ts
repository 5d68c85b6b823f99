import type { KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { signerOf } from '../../../cloud-bridge/contract/person-key.ts';
import { readKeyFile } from '../../../cloud-bridge/fleet/key-files.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { keyId, publicKeyOf } from '../../../device/kernel/signed/key-id.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { parseScene } from '../../../device/scene/load-scene.ts';
import {
  type CalibrationCertificate,
  certificateSchema,
  checkCertificate,
  readCertificate,
  sceneDigest,
  signCertificate,
} from '../../calibrate/certificate.ts';
import type { DriveComparison } from '../../calibrate/compare-drives.ts';
import { type Exit, exit } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { checkOutput, writeOutput } from '../write-output.ts';
import { type CheckFlags, comparisonOf } from './check.ts';
import { readText } from './small-files.ts';

export interface SignFlags extends Omit<CheckFlags, 'drives'> {
  readonly scene: string;
  readonly key: string;
  readonly number: string;
  readonly issuer: string;
  readonly technician: string;
  readonly unit: string;
  readonly site: string;
  readonly expires: string;
  readonly out: string;
  readonly sceneOut: string;
  readonly drives?: string;
  readonly withoutDrives?: boolean;
  readonly environment?: string;
  readonly instrument?: readonly string[];
}

/** `calibrate sign`: the certificate first, then the scene that names it. Nothing is signed that has not passed. */
export async function sign(flags: SignFlags, io: ProvisionIo): Promise<void> {
  const today = toIso(io.clock.utc()).slice(0, 10);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(flags.expires) || Number.isNaN(Date.parse(flags.expires)) || flags.expires <= today) {
    throw new AtalayaError('usage-invalid', `--expires ${flags.expires} is no day after today, ${today}`, {
      hint: 'Give a day as 2027-05-31.',
    });
  }
  if ((flags.drives === undefined) === (flags.withoutDrives !== true)) {
    throw new AtalayaError('usage-invalid', 'a certificate states its reference drives, or that there are none', {
      hint: 'Give --drives FILE; or --without-drives, and the certificate says that nothing but the survey stands behind it.',
    });
  }
  const [out, sceneOut, key] = [flags.out, flags.sceneOut, flags.key].map((path) => resolve(path));
  if (out === sceneOut || out === key || sceneOut === key || out === resolve(flags.scene)) {
    throw new AtalayaError('usage-invalid', 'certificate, scene and key are three files', {
      hint: 'Give --out and --scene-out each a name of its own; only --scene-out may be the scene itself.',
    });
  }
  for (const path of [flags.out, flags.sceneOut]) await checkOutput(path);
  const text = await readText(flags.scene, 'the scene file');
  const signer = signerOf(await readKeyFile(flags.key, 'Make one with atalaya-fleet new-key.'));
  const { drives, ...rest } = flags;
  const checked = drives === undefined ? undefined : await comparisonOf({ ...rest, drives });
  if (checked !== undefined && checked.verdict !== 'passed') {
    throw new AtalayaError('document-refused', `no certificate is signed on these drives: ${checked.says[0]}`, {
      hint: 'Run `calibrate check` for the figures.',
    });
  }
  const certificate = certificateOf(text, flags, checked, today);
  const signed = await signCertificate(certificate, signer);
  const { number, issuer, issued, expires } = certificate;
  const named = parseDocument(text);
  named.setIn(['calibration', 'certificate'], named.createNode({ number, issuer, issued, expires }, { flow: true }));
  const scene = named.toString({ lineWidth: 150, flowCollectionPadding: true });
  parseScene(scene, flags.scene);
  await writeOutput(flags.out, `${JSON.stringify(signed, null, 2)}\n`);
  try {
    await writeOutput(flags.sceneOut, scene);
  } catch (fault) {
    // A certificate that no scene names would lie there as if it had been issued.
    await systemFiles.remove(resolve(flags.out));
    throw fault;
  }
  say(io.out, `certificate ${number}, valid ${issued} to ${expires}, signed with the key ${signer.id.slice(0, 16)}`);
  say(
    io.err,
    `written: ${flags.out}, and ${flags.sceneOut}, which states number, issuer and days of it. The unit needs the scene alone: atalaya-provision enrol ADDRESS --unit ${flags.unit} --ca FOLDER --scene ${flags.sceneOut}`,
  );
  say(io.err, `Keep ${flags.out}, and give it to whoever asks what stands behind a speed: calibrate verify checks it.`);
}

function certificateOf(
  text: string,
  flags: SignFlags,
  checked: DriveComparison | undefined,
  today: string,
): CalibrationCertificate {
  const scene = parseScene(text, flags.scene);
  const { ground } = scene;
  if (ground === undefined) {
    throw new AtalayaError('scene-invalid', `${flags.scene} has no calibration to certify`, {
      hint: 'Run `calibrate fit` with --out first.',
    });
  }
  const { fit, lens, movedLenses } = ground;
  return {
    schema: certificateSchema,
    number: flags.number,
    issuer: flags.issuer,
    technician: flags.technician,
    unit: flags.unit,
    site: flags.site,
    issued: today,
    expires: flags.expires,
    scene: { name: scene.name, sha256: sceneDigest(text) },
    picture: { width: scene.picture.width, height: scene.picture.height },
    surveyed: scene.surveyed ?? null,
    points: fit.pairs.map(({ image, road }, i) => ({
      image: { x: image.x, y: image.y },
      road: { x: road.x, y: road.y },
      missPx: fit.residuals[i]?.px ?? 0,
      missM: fit.residuals[i]?.m ?? 0,
    })),
    pixelError: fit.error.image,
    roadErrorM: fit.error.road,
    scaleError: fit.error.scale ?? 0,
    misfit: fit.misfit ?? null,
    lens:
      lens === undefined
        ? null
        : {
            k1: lens.k1,
            k2: lens.k2,
            deviations: movedLenses.map(({ lens: { k1, k2 } }): [number, number] => [k1 - lens.k1, k2 - lens.k2]),
          },
    check: checked === undefined ? null : plain(checked),
    environment: flags.environment ?? null,
    instruments: (flags.instrument ?? []).map(instrumentOf),
  };
}

const plain = (checked: DriveComparison): CalibrationCertificate['check'] => ({
  verdict: checked.verdict,
  says: [...checked.says],
  drives: checked.drives.map((drive) => ({ ...drive })),
  lanes: checked.lanes.map((lane) => ({ ...lane })),
  all: { ...checked.all },
});

function instrumentOf(text: string): { readonly what: string; readonly id: string } {
  const at = text.lastIndexOf('=');
  const [what, id] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (at > 0 && what !== '' && id !== '') return { what, id };
  throw new AtalayaError('usage-invalid', `--instrument ${text} names no instrument`, {
    hint: 'Write WHAT=NUMBER, such as --instrument "tape 30 m=T-0042".',
  });
}

export interface VerifyFlags {
  readonly key: readonly string[];
  readonly scene?: string;
  readonly json?: boolean;
}

/** `calibrate verify`: exit code 1 where anything does not hold. */
export async function verify(path: string, flags: VerifyFlags, io: ProvisionIo): Promise<Exit> {
  const certificate = readCertificate(await readText(path, 'the certificate'), path);
  const keys = new Map<string, KeyObject>();
  for (const file of flags.key) {
    const key = publicKeyOf(await readText(file, 'the public key'), file);
    keys.set(keyId(key), key);
  }
  const scene = flags.scene === undefined ? undefined : await readText(flags.scene, 'the scene file');
  const findings = checkCertificate(certificate, { keys, scene, today: toIso(io.clock.utc()).slice(0, 10) });
  const holds = findings.every((finding) => finding.holds);
  if (flags.json === true) io.out.write(`${JSON.stringify({ holds, findings }, null, 2)}\n`);
  else {
    const { number, issuer, technician, unit, site } = certificate;
    say(io.out, `certificate ${number} by ${issuer} (${technician}) for unit ${unit}, ${site}`);
    for (const finding of findings) say(io.out, `  ${finding.holds ? 'holds ' : 'FAILS '} ${finding.says}`);
  }
  return holds ? exit.done : exit.failed;
}
