import type { SlotPart } from '../contract/bundle.ts';
import type { UpdateTrust } from '../contract/parts.ts';
import type { SlotName } from '../contract/slots.ts';
import {
  type UnsignedVersionReport,
  type VersionReport,
  versionReport,
  versionReportSchemaId,
} from '../contract/version-report.ts';
import { reportBytes } from './report-bytes.ts';

/** What a unit says of itself. */
export interface ReportFacts {
  readonly unit: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The newest job that was accepted, with its nonce. */
  readonly job?: { readonly id: string; readonly nonce: string };
  readonly hardware?: readonly string[];
  readonly slot: SlotName;
  readonly trial: boolean;
  /** Of the running slot; of an image only what its program says of itself. */
  readonly parts: readonly (Pick<SlotPart, 'kind' | 'name' | 'version' | 'release'> & Partial<SlotPart>)[];
  readonly metadata: ReturnType<UpdateTrust['versions']>;
  /** Since the report before, newest last. */
  readonly refused: readonly { readonly at: string; readonly reason: string }[];
}

/** The key of the unit's evidence, wherever it lies: `key` is its id, `value` the base64 of its signature over the bytes. */
export type ReportSigner = (bytes: Uint8Array) => Promise<VersionReport['signature']>;

const mostRefused = 50;
const longestReason = 2000;

/** The report without its signature: of too many refusals the newest, of a reason that is too long the beginning. */
export function composeVersionReport(facts: ReportFacts): UnsignedVersionReport {
  const { unit, at, job, hardware, slot, trial, parts, metadata, refused } = facts;
  return {
    schema: versionReportSchemaId,
    unit,
    at: new Date(at).toISOString(),
    ...(job === undefined ? {} : { job: job.id, nonce: job.nonce }),
    ...(hardware === undefined ? {} : { hardware: [...hardware] }),
    slot,
    trial,
    parts: parts.map((part) => ({ ...part })),
    metadata: { image: metadata.image, director: metadata.director },
    refused: refused.slice(-mostRefused).map((one) => ({
      at: one.at,
      reason: one.reason.slice(0, longestReason).toWellFormed(),
    })),
  };
}

/** The signed report, in the form that it is checked in. Throws what the signer throws. */
export async function signVersionReport(report: UnsignedVersionReport, sign: ReportSigner): Promise<VersionReport> {
  return versionReport.parse({ ...report, signature: await sign(reportBytes(report)) });
}
