import type { ZodType } from 'zod';
import { plain } from '../../../cloud-bridge/fleet/text.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { longestEnrolmentDocument } from '../../contract/enrolment-documents.ts';
import {
  type EnrolmentAnswers,
  type EnrolmentRoute,
  enrolmentAnswers,
  enrolmentRefusal,
  enrolmentRoutes,
} from '../../contract/enrolment-routes.ts';
import type { Exchange } from '../provision-io.ts';

/** A unit makes its key at the first question, and writes a grant to a slow card. */
const deadline = milliseconds(20_000);

/**
 * Asks a unit. Throws `link-down` where it does not answer, `act-refused` with its own words where it refuses, `usage-invalid` where what
 * answers is no unit.
 */
export async function askUnit<Route extends EnrolmentRoute>(
  exchange: Exchange,
  address: string,
  route: Route,
  body?: string,
): Promise<EnrolmentAnswers[Route]> {
  const { method, path } = enrolmentRoutes[route];
  const { status, text } = await exchange(new URL(path, address).href, {
    method,
    deadline,
    most: longestEnrolmentDocument,
    ...(body === undefined ? {} : { body }),
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw noUnit(address);
  }
  const schema: ZodType = enrolmentAnswers[route];
  const read = schema.safeParse(value);
  if (status === 200 && read.success) return read.data as EnrolmentAnswers[Route];
  const refusal = enrolmentRefusal.safeParse(value);
  if (!refusal.success) throw noUnit(address);
  throw new AtalayaError(
    'act-refused',
    `the unit refuses: ${plain(refusal.data.detail)} (${plain(refusal.data.reason)})`,
    {
      hint: 'A unit puts all of a grant in place or nothing of it.',
    },
  );
}

/** The address of a unit's local page. Throws `usage-invalid`. */
export function unitAddress(given: string): string {
  const url = URL.parse(given.includes('://') ? given : `http://${given}`);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') return url.origin;
  throw new AtalayaError('usage-invalid', `${plain(given.slice(0, 100))} is no address of a unit`, {
    hint: 'Give the address of its local page, such as http://192.168.1.20:9465',
  });
}

function noUnit(address: string): AtalayaError {
  return new AtalayaError('usage-invalid', `what answers at ${address} is no unit that can be enrolled`, {
    hint: "Check the address: it is the one of the unit's local page.",
  });
}
