import { z } from 'zod';
import { canonicalJson } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { readWholeFile, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Files } from '../../../device/kernel/files.ts';
import { type UtcMilliseconds, utcMilliseconds } from '../../../device/kernel/units.ts';
import { evidenceId, fileName } from '../../contract/names.ts';

/** What may be given away, and for how long. */
export interface Grant {
  readonly evidence: string;
  readonly files: readonly string[] | 'all';
  readonly until: UtcMilliseconds;
}

export interface GrantsOptions {
  readonly files: Files;
  readonly clock: Clock;
  /** `all`: every sealed file may leave whenever it is asked for. `on-request`: what a person has asked for by a signed command. */
  readonly policy: 'on-request' | 'all';
}

const most = 1000;
const schema = z.strictObject({
  format: z.literal('atalaya/grants/1'),
  grants: z
    .array(
      z.strictObject({
        evidence: evidenceId,
        files: z.union([z.literal('all'), z.array(fileName).min(1).max(100)]),
        until: z.int().min(0),
      }),
    )
    .max(most),
});

/** Which evidence may leave the unit. Guarantees: a grant that has resolved survives a power cut; none outlives its time. */
export class Grants {
  readonly #path: string;
  readonly #options: GrantsOptions;
  #grants: readonly Grant[];
  #writing: Promise<unknown> = Promise.resolve();

  constructor(path: string, options: GrantsOptions, grants: readonly Grant[]) {
    this.#path = path;
    this.#options = options;
    this.#grants = grants;
  }

  /** Throws `store-failed`, `store-damaged` where the file is not what was written there. */
  static async open(path: string, options: GrantsOptions): Promise<Grants> {
    const content = await readWholeFile(options.files, path);
    return new Grants(path, options, content === undefined ? [] : parseGrants(path, content));
  }

  /** What is granted now. */
  get valid(): readonly Grant[] {
    const now = this.#options.clock.utc();
    return this.#grants.filter(({ until }) => until > now);
  }

  allows(evidence: string, file: string): boolean {
    if (this.#options.policy === 'all') return true;
    return this.valid.some((grant) => grant.evidence === evidence && covers(grant, file));
  }

  /** Throws `act-refused` where too much is granted already, `internal` for names that are none, `store-full`, `store-failed`. */
  async grant(evidence: string, files: readonly string[] | 'all', until: UtcMilliseconds): Promise<void> {
    const added = { evidence, files, until };
    const done = this.#writing.then(async () => {
      // Asked for again, it is one grant: a thousand are for a thousand pieces of evidence.
      const others = this.valid.filter((grant) => !includes(added, grant));
      const grants = [...others, added];
      if (grants.length > most) {
        throw new AtalayaError('act-refused', `${most} grants of evidence are open already`, {
          hint: 'Wait until some have been used or have expired.',
        });
      }
      const document = { format: 'atalaya/grants/1', grants: grants.map((grant) => ({ ...grant })) };
      if (!schema.safeParse(document).success) {
        throw new AtalayaError('internal', 'a grant names no evidence, no files or no time');
      }
      await writeWholeFile(this.#options.files, this.#path, Buffer.from(canonicalJson(document)));
      this.#grants = grants;
    });
    this.#writing = done.catch(() => undefined);
    return done;
  }
}

const includes = (grant: Grant, other: Grant) =>
  grant.evidence === other.evidence &&
  grant.until >= other.until &&
  (grant.files === 'all' || (other.files !== 'all' && other.files.every((file) => covers(grant, file))));

const covers = ({ files }: Grant, file: string) => files === 'all' || files.includes(file);

function parseGrants(path: string, content: Buffer): readonly Grant[] {
  try {
    const { grants } = schema.parse(JSON.parse(content.toString()));
    return grants.map((grant) => ({ ...grant, until: utcMilliseconds(grant.until) }));
  } catch (error) {
    throw new AtalayaError('store-damaged', `${path} is not what was written there`, {
      hint: 'Remove the file: evidence is then asked for again.',
      cause: error,
    });
  }
}
