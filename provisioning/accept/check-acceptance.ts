import { authorise, type People } from '../../cloud-bridge/contract/people.ts';
import type { Permission } from '../../cloud-bridge/contract/roles.ts';
import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { type Acceptance, acceptanceFiles, readAcceptance, type SignedAcceptance } from './acceptance.ts';
import { judgeAcceptance } from './judge-acceptance.ts';

/** Who may accept a unit: whoever may look through its camera. Those are technicians and supervisors. */
export const acceptingPermission: Permission = 'command.snapshot';

export interface AcceptanceFinding {
  readonly holds: boolean;
  readonly says: string;
}

export interface AcceptanceHeld {
  /** Bytes of `acceptance.json`; undefined where it is not there. */
  readonly document: Uint8Array | undefined;
  /** The content of each other file of the folder, by name; undefined for what is not there. */
  readonly files: ReadonlyMap<string, Uint8Array | undefined>;
  readonly people: People;
  /** UTC milliseconds. */
  readonly now: number;
}

export interface CheckedAcceptance {
  /** Undefined where it cannot be read. */
  readonly document: SignedAcceptance | undefined;
  readonly findings: readonly AcceptanceFinding[];
}

/** Everything that can be said of a folder with an acceptance; it is worth something where all of it holds. Never throws for what it reads. */
export function checkAcceptance(held: AcceptanceHeld): CheckedAcceptance {
  if (held.document === undefined) return { document: undefined, findings: [fails('There is no acceptance.json.')] };
  let document: SignedAcceptance;
  try {
    document = readAcceptance(held.document, acceptanceFiles.document);
  } catch (error) {
    if (!isAtalayaError(error)) throw error;
    return { document: undefined, findings: [fails(`The document cannot be believed: ${error.message}.`)] };
  }
  return {
    document,
    findings: [
      signature(document, held.people),
      time(document, held.now),
      ...files(document, held.files),
      verdict(document),
    ],
  };
}

const fails = (says: string): AcceptanceFinding => ({ holds: false, says });
const holds = (says: string): AcceptanceFinding => ({ holds: true, says });

function signature(document: SignedAcceptance, people: People): AcceptanceFinding {
  const authorised = authorise(document, people, acceptingPermission);
  if (authorised.kind === 'refused') {
    const { person, detail } = authorised;
    return fails(
      person === undefined
        ? `The signature does not hold: ${detail}.`
        : `${person.name} signed it and may not accept units: ${detail}.`,
    );
  }
  const { name, role, key } = authorised.person;
  const { by } = document;
  if (by.key !== key || by.name !== name || (by.role !== null && by.role !== role)) {
    return fails(
      `The document says ${by.name}${by.role === null ? '' : `, ${by.role}`}, and ${name}, ${role}, signed it.`,
    );
  }
  return holds(`Signed by ${name}, ${role}, with the key ${key.slice(0, 16)}.`);
}

/** As far as clocks may differ. */
const differenceMs = 5 * 60_000;

function time({ began, at, unit, test }: Acceptance, now: number): AcceptanceFinding {
  if (test.unit !== unit) return fails(`It accepts ${unit}, and the test is of ${test.unit}.`);
  const [from, until] = [Date.parse(began), Date.parse(at)];
  if (until < from) return fails('It ended before it began.');
  if (until > now + differenceMs) return fails(`It is of ${at}, which is yet to come.`);
  return holds(`${unit}, tested and signed from ${began} until ${at}.`);
}

function files(document: Acceptance, content: AcceptanceHeld['files']): readonly AcceptanceFinding[] {
  const known: readonly string[] = Object.values(acceptanceFiles).filter((name) => name !== acceptanceFiles.document);
  const named = new Map(document.files.map((file) => [file.name, file]));
  const odd = document.files.filter(({ name }) => !known.includes(name));
  if (odd.length > 0 || named.size !== document.files.length)
    return [fails('It names files that are no part of an acceptance, or one twice.')];
  const needed = [acceptanceFiles.html, acceptanceFiles.pdf];
  const absent = needed.filter((name) => !named.has(name)).map((name) => fails(`It does not name ${name}.`));
  const picture = named.get(acceptanceFiles.picture)?.sha256;
  const same =
    picture === document.picture?.sha256
      ? []
      : [fails('The picture that was judged is not the one that lies beside the document.')];
  // A file that may be there, is not named, and would be taken for part of it.
  const stray = known
    .filter((name) => !named.has(name) && content.get(name) !== undefined)
    .map((name) => fails(`${name} lies there, and the document does not name it.`));
  const checked = document.files.map(({ name, bytes, sha256: expected }) => {
    const found = content.get(name);
    if (found === undefined) return fails(`${name} is missing.`);
    if (found.byteLength !== bytes || sha256(found) !== expected)
      return fails(`${name} is not what was signed: it was changed afterwards, or is of another acceptance.`);
    return holds(`${name} is what was signed.`);
  });
  return [...absent, ...same, ...stray, ...checked];
}

/** The decision has to follow from what the document states. */
function verdict(document: Acceptance): AcceptanceFinding {
  const judged = judgeAcceptance(document);
  const stated = {
    outcome: document.outcome,
    faults: document.faults,
    missing: document.missing,
    doubts: document.doubts,
  };
  const follows = { ...judged, faults: judged.faults.map(({ says }) => says) };
  const canonical = (value: object): string => canonicalJson(value as unknown as JsonValue);
  return canonical(stated) === canonical(follows)
    ? holds(`The decision, ${document.outcome}, follows from what was found.`)
    : fails(`The decision, ${document.outcome}, does not follow from what was found: ${judged.outcome} would.`);
}
