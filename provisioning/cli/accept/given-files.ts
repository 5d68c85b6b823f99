import { resolve } from 'node:path';
import { plain } from '../../../cloud-bridge/fleet/text.ts';
import { readWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { type SelfTestReport, selfTestReport } from '../../../device/selftest/contract/self-test-report.ts';
import type { AcceptedIdentity } from '../../accept/acceptance.ts';
import { enrolmentRequest, unitIdentity } from '../../contract/enrolment-documents.ts';
import { readText } from '../calibrate/small-files.ts';
import { askUnit, unitAddress } from '../enrol/unit-calls.ts';
import type { Exchange } from '../provision-io.ts';

/** What a person names beside the unit: read and judged once, here. */

/** The report that `atalaya-unit selftest --out` wrote. Throws `document-refused`, `usage-invalid`. */
export async function readReport(path: string): Promise<SelfTestReport> {
  const read = selfTestReport.safeParse(await readJsonFile(path, 'the report'));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new AtalayaError(
    'document-refused',
    `${path} is no report of a self-test: ${issue?.path.join('.')} ${issue?.message}`,
    { hint: 'Name the file that atalaya-unit selftest --out wrote.' },
  );
}

async function readJsonFile(path: string, what: string): Promise<unknown> {
  const text = await readText(path, what);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AtalayaError('document-refused', `${path} is not JSON`, { cause });
  }
}

const pictures = {
  jpeg: { begins: Buffer.from([0xff, 0xd8, 0xff]), words: 'JPEG' },
  png: { begins: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), words: 'PNG' },
} as const;

const mostBytes = 20_000_000;

/** A picture of that kind. Throws `usage-invalid`. */
export async function readPicture(path: string, kind: keyof typeof pictures, flag: string): Promise<Buffer> {
  const content = await readWholeFile(systemFiles, resolve(path)).catch((cause: unknown) => {
    throw new AtalayaError('usage-invalid', `${path} cannot be read`, { hint: `Check ${flag}.`, cause });
  });
  const { begins, words } = pictures[kind];
  if (content === undefined)
    throw new AtalayaError('usage-invalid', `${path} does not exist`, { hint: `Check ${flag}.` });
  if (content.byteLength < mostBytes && content.subarray(0, begins.byteLength).equals(begins)) return content;
  throw new AtalayaError('usage-invalid', `${path} is no ${words} of less than ${mostBytes / 1e6} MB`, {
    hint: `Check ${flag}.`,
  });
}

/**
 * Serial and keys of the unit, from its own page (`http://...`) or from the request that it wrote. Throws `document-refused` where it is
 * enrolled under another name, and as `askUnit`.
 */
export async function readIdentity(given: string, unit: string, exchange: Exchange): Promise<AcceptedIdentity> {
  const { serial, fingerprint, signing, enrolled } = given.includes('://')
    ? await askUnit(exchange, unitAddress(given), 'identity')
    : identityOf(await readJsonFile(given, 'the identity'), given);
  if (enrolled !== undefined && enrolled.unit !== unit) {
    throw new AtalayaError(
      'document-refused',
      `${plain(given)} is of the unit ${enrolled.unit}, and ${unit} is to be accepted`,
      {
        hint: 'Name the unit at whose pole you stand.',
      },
    );
  }
  return {
    serial,
    fingerprint,
    evidenceKey: signing?.fingerprint ?? null,
    certificate: enrolled === undefined ? null : { serial: enrolled.certificate, expires: enrolled.expires },
  };
}

function identityOf(value: unknown, path: string) {
  const request = enrolmentRequest.safeParse(value);
  if (request.success) return request.data.identity;
  const identity = unitIdentity.safeParse(value);
  if (identity.success) return identity.data;
  throw new AtalayaError('document-refused', `${path} is no identity of a unit`, {
    hint: 'Name what atalaya-provision unit request --out wrote, or the address of its local page, http://...',
  });
}
