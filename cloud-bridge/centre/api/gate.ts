import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import type { UnsignedDocument } from '../../../device/kernel/signed/signed-document.ts';
import type { Act } from '../../contract/acts.ts';
import { type Route, type RouteBody, type RouteName, routes } from '../../contract/api.ts';
import type { LiveKind } from '../../contract/api-routes.ts';
import type { People, Person } from '../../contract/people.ts';
import { mayDo, notAllowedWords, type Permission } from '../../contract/roles.ts';
import { type About, aboutWords } from './about-words.ts';
import { checkAct, checkBody, type ReadAct, type RefusedAct, readAct, refusedAct } from './act-check.ts';
import type { Services } from './services.ts';
import { UsedActs } from './used-acts.ts';

/** A request whose act is believed, before its body has come. */
export interface Signed {
  readonly act: Act;
  readonly document: UnsignedDocument;
  readonly person: Person;
}

/** Reading these is an act that is kept. */
const keptReads: ReadonlySet<RouteName> = new Set<RouteName>(['evidence', 'evidenceFile']);

/** What is done, where the permission for it bears another name. */
const doing: Readonly<Partial<Record<RouteName, string>>> = {
  acceptKey: 'accept the key of a unit',
  putTrust: 'change who is trusted',
};

/** Decides who may do what: in two steps, since nobody who is not known may send a long body. */
export class Gate {
  readonly #services: Services;
  readonly #used: UsedActs;

  constructor(services: Services) {
    this.#services = services;
    this.#used = new UsedActs(services.archive, services.clock);
  }

  /** Whether the act of a request is somebody's, of now and for this method and path. */
  async person(
    name: RouteName,
    header: string | readonly string[] | undefined,
    request: { readonly method: string; readonly path: string },
  ): Promise<({ readonly kind: 'signed' } & Signed) | RefusedAct> {
    const read = readAct(header);
    if (read.kind === 'refused') return read;
    const standing = await this.#services.people.standing();
    const people = standing.kind === 'in-force' ? standing.people : undefined;
    // A new trust document may be the first, or bring in whoever presents it: who that is is looked at when it has come.
    if (name === 'putTrust' && (people === undefined || people.person(keyOf(read) ?? '') === undefined)) {
      return { kind: 'signed', act: read.act, document: read.document, person: nobody };
    }
    if (standing.kind !== 'in-force')
      return refusedAct(standing.kind === 'expired' ? 'trust-expired' : 'no-trust', standing.detail);
    const checked = checkAct(read, standing.people, request, this.#services.clock);
    if (checked.kind === 'refused') return checked;
    return { kind: 'signed', act: read.act, document: read.document, person: checked.person };
  }

  /**
   * Whether the person may do this with this body, once. What changes something is in the chain of acts when this has resolved, and so is
   * what was not allowed.
   */
  async pass(
    name: RouteName,
    signed: Signed,
    rawBody: Uint8Array,
    about: About,
    request: { readonly method: string; readonly path: string },
  ): Promise<{ readonly kind: 'passed'; readonly person: Person } | RefusedAct> {
    const { archive } = this.#services;
    const person = signed.person === nobody ? await this.#presenter(signed, about.body, request) : signed.person;
    if ('kind' in person) return person;
    const otherBody = checkBody(signed.act, rawBody);
    if (otherBody !== undefined) return otherBody;
    const kept = routes[name].method !== 'GET' || keptReads.has(name);
    if (!(await this.#used.use(signed.act.id, kept))) {
      return refusedAct('replayed', `the act ${signed.act.id} was used before`);
    }
    const act = signed.document as JsonValue;
    const words = aboutWords(name, about);
    for (const permission of await this.#permissions(name, about)) {
      if (mayDo(person.role, permission)) continue;
      await archive.appendAct(act, `refused: not-allowed: ${permission}`, words);
      return refusedAct('not-allowed', notAllowedWords(person, permission, doing[name]));
    }
    if (kept) await archive.appendAct(act, `allowed: ${person.name}, ${person.role}`, words);
    return { kind: 'passed', person };
  }

  /** Whether somebody who was let in may still be. */
  async stillKnown({ key }: Person): Promise<boolean> {
    return (await this.#services.people.people())?.person(key) !== undefined;
  }

  /** Somebody of the trust document that is presented, which the root key has signed. */
  async #presenter(
    signed: Signed,
    body: unknown,
    request: { readonly method: string; readonly path: string },
  ): Promise<Person | RefusedAct> {
    let people: People;
    try {
      people = await this.#services.people.examine(
        JSON.stringify((body as { readonly trust?: unknown }).trust ?? null),
      );
    } catch (error) {
      if (!isAtalayaError(error, 'document-refused')) throw error;
      return refusedAct('unknown-key', `nobody here has this key, and ${error.message}`);
    }
    const checked = checkAct({ kind: 'act', ...signed }, people, request, this.#services.clock);
    return checked.kind === 'refused' ? checked : checked.person;
  }

  async #permissions(
    name: RouteName,
    { parameters: { unit = '', id = '' }, query, body }: About,
  ): Promise<readonly Permission[]> {
    const { permission }: Route = routes[name];
    if (permission === 'kinds')
      return [...new Set((query as { kinds: readonly LiveKind[] }).kinds.map(kindPermission))];
    if (name === 'startRollout' && (body as RouteBody<'startRollout'>).plan.update !== undefined)
      return [permission as Permission, 'update.give'];
    if (permission !== 'command') return [permission];
    if (name === 'command') return [`command.${(body as { command: { name: CommandOf } }).command.name}`];
    const found = await this.#services.bridge.commands.find(unit, id);
    return [found === undefined ? 'fleet.read' : `command.${found.command.name}`];
  }
}

type CommandOf = Extract<Permission, `command.${string}`> extends `command.${infer Name}` ? Name : never;

const nobody: Person = Object.freeze({ name: '', role: 'technician', key: '', publicKey: undefined as never });

function keyOf({ act: { signature } }: Extract<ReadAct, { kind: 'act' }>): string | undefined {
  return signature?.key;
}

function kindPermission(kind: LiveKind): Permission {
  if (kind === 'telemetry' || kind === 'count') return 'telemetry.read';
  return kind === 'alert' || kind === 'update' ? 'fleet.read' : 'events.read';
}
