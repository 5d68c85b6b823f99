import type { Clock } from '../../device/kernel/clock.ts';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { milliseconds, toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import type { Enrolment, GrantOutcome, SigningKeyFacts, UnitIdentity } from '../contract/enrolment.ts';
import {
  type BrokerInForce,
  type EnrolledState,
  type EnrolmentRequest,
  enrolmentRequestSchemaId,
  type RenewalRequest,
  renewalRequestSchemaId,
  type SceneInForce,
} from '../contract/enrolment-documents.ts';
import type { BoardSerial } from '../identity/board-serial.ts';
import type { FolderFiles } from '../identity/folder-files.ts';
import { makeSigningRequest } from '../identity/signing-request.ts';
import type { UnitKey } from '../identity/unit-keys.ts';
import { checkGrant } from './check-grant.ts';
import { givenSceneFault, nextScene, type SceneFault, type SceneTexts, sceneInForceOf } from './granted-scene.ts';
import {
  brokerInForceOf,
  changesConfiguration,
  configurationText,
  type GrantInForce,
  identityNames,
  identityTexts,
  type JsonObject,
  mergeGrant,
  readConfiguration,
  unitConfiguration,
} from './identity-files.ts';
import { IdentityFolder } from './identity-folder.ts';
import { signWithKey } from './key-signature.ts';
import { certificatesIn, type Life, lifeOfCertificate } from './read-chain.ts';
import { type RenewalPlan, renewalDue, renewalTime, shareOf } from './renewal.ts';

/** Whether a first grant is taken now. */
export interface ClaimWindow {
  isOpen(): boolean;
}

/** Open for so many minutes from now on, by a clock that nobody sets: who wants it open again switches the unit off and on. */
export function claimWindow(clock: Clock, minutes: number): ClaimWindow & { readonly left: () => number } {
  const opened = clock.monotonic();
  const left = () => Math.max(0, milliseconds(minutes * 60_000) - (clock.monotonic() - opened));
  return { isOpen: () => left() > 0, left };
}

/** A key that evidence is signed with. */
export interface EvidenceKey {
  readonly facts: SigningKeyFacts;
  /** `evidence.signing` of a configuration that names it. */
  readonly settings: JsonObject;
}

export interface UnitEnrolmentOptions {
  /** The unit's folder of keys, certificate and trust; on the data partition, of the user that the unit runs as. */
  readonly folder: string;
  readonly files: FolderFiles;
  readonly clock: Clock;
  readonly serial: () => Promise<BoardSerial>;
  readonly claim: ClaimWindow;
  /** The key that evidence is signed with, where it lies in a TPM: opened, or made at the first call. */
  readonly signing?: () => Promise<EvidenceKey | undefined>;
  /** Keeps other processes out of the folder while something is made or put in place; throws `store-locked`. */
  readonly lock?: (folder: string) => Promise<{ release(): Promise<void> }>;
  /** Why the unit could not run with this configuration, or not any more, after the one in force; undefined where it can. */
  readonly configurationFault?: (settings: unknown, folder: string, inForce: unknown) => string | undefined;
  /** Judges the scene of a grant; where it is absent a grant that brings one is refused. */
  readonly sceneFault?: SceneFault;
  /** Folder of the evidence, unless the grant says so. */
  readonly data: string;
}

/** What is in force at a unit, and how old it is. */
export interface CertificateInForce {
  readonly enrolled: EnrolledState;
  readonly life: Life;
  /** When the next one is asked for. */
  readonly due: UtcMilliseconds;
  readonly plan: RenewalPlan;
}

/** A unit's key, and what the fleet gave it for that. One object for each folder. */
export class UnitEnrolment implements Enrolment {
  readonly #options: UnitEnrolmentOptions;
  readonly #folder: IdentityFolder;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: UnitEnrolmentOptions) {
    this.#options = options;
    this.#folder = new IdentityFolder(options.folder, options.files);
  }

  identity(): Promise<UnitIdentity> {
    return this.#inTurn(async () => {
      const { serial, signing } = this.#options;
      const key = await this.#key();
      const board = await serial();
      const evidence = await signing?.();
      const installed = await this.#folder.installed();
      return {
        serial: board.serial,
        serialFrom: board.from,
        fingerprint: key.fingerprint,
        keptIn: 'file',
        ...(evidence === undefined ? {} : { signing: evidence.facts }),
        ...(installed === undefined ? {} : { enrolled: installed.enrolled }),
      };
    });
  }

  signingRequest(): Promise<string> {
    return this.#inTurn(async () => {
      const { serial } = await this.#options.serial();
      const unit = (await this.#folder.installed())?.enrolled.unit;
      return makeSigningRequest({ serial, ...(unit === undefined ? {} : { unit }) }, await this.#key());
    });
  }

  async request(): Promise<EnrolmentRequest> {
    return { schema: enrolmentRequestSchemaId, identity: await this.identity(), csr: await this.signingRequest() };
  }

  renewalRequest(): Promise<RenewalRequest> {
    return this.#alone(async () => {
      const installed = await this.#folder.installed();
      const key = await this.#folder.key();
      if (installed === undefined || key === undefined) {
        throw new AtalayaError('usage-invalid', 'this unit is not enrolled yet, so there is nothing to renew', {
          hint: 'Enrol it: atalaya-provision enrol',
        });
      }
      const { enrolled } = installed;
      const { serial } = await this.#options.serial();
      const csr = await makeSigningRequest({ serial, unit: enrolled.unit }, await this.#folder.nextKeyOrNew());
      const issued = toIso(this.#options.clock.utc());
      const schema = renewalRequestSchemaId;
      return signWithKey({ schema, unit: enrolled.unit, enrolled, issued, csr } as const, key);
    });
  }

  /** What the age of the certificate in force asks for; undefined before enrolment. */
  async renewal(): Promise<RenewalPlan | undefined> {
    return (await this.certificate())?.plan;
  }

  /** The certificate in force; undefined before enrolment. Throws `store-damaged`, `store-failed`. */
  certificate(): Promise<CertificateInForce | undefined> {
    return this.#inTurn(async () => {
      const enrolled = (await this.#folder.installed())?.enrolled;
      const [certificate] = certificatesIn((await this.#folder.text(identityNames.certificate)) ?? '');
      if (enrolled === undefined || certificate === undefined) return undefined;
      const [life, share] = [lifeOfCertificate(certificate), shareOf(enrolled.unit)];
      const plan = renewalDue(life, this.#options.clock.utc(), share);
      return { enrolled, life, due: renewalTime(life, share), plan };
    });
  }

  /** What this unit judges by; undefined before enrolment. Throws `store-damaged`, `store-failed`. */
  scene(): Promise<SceneInForce | undefined> {
    return this.#inTurn(async () => {
      const installed = await this.#folder.installed();
      return installed === undefined ? undefined : sceneInForceOf(installed.given, await this.#sceneThere());
    });
  }

  /** The folder of the generation before the one in force, with the files that `identityNames` has; undefined where there is none. */
  generationBefore(): Promise<string | undefined> {
    return this.#folder.generationBefore();
  }

  /** Fingerprint of the key in force; undefined where none was made yet, and none is made. */
  key(): Promise<string | undefined> {
    return this.#inTurn(async () => (await this.#folder.key())?.fingerprint);
  }

  /** What a person types to say that this very unit is meant: its name, or its serial where no name of it can be read. */
  async nameToConfirm(): Promise<{ readonly name: string; readonly enrolled: boolean }> {
    const installed = await this.#inTurn(() => this.#folder.installed()).catch(() => undefined);
    if (installed !== undefined) return { name: installed.enrolled.unit, enrolled: true };
    return { name: (await this.#options.serial()).serial, enrolled: false };
  }

  /**
   * Removes keys, certificates and whatever grants gave: durable when this has resolved. A power cut in between leaves all that was in
   * force or a unit that makes a new key at its next start. Evidence and the key that signs it lie elsewhere. False where there was
   * nothing. Throws `store-failed`, `store-locked`.
   */
  wipe(): Promise<boolean> {
    return this.#alone(() => this.#folder.wipe());
  }

  install(text: Uint8Array | string): Promise<GrantOutcome> {
    return this.#alone(async () => {
      const before = await this.#folder.installed();
      const asText = typeof text === 'string' ? text : Buffer.from(text).toString();
      // Whoever lost our answer sends it again.
      if (before !== undefined && asText === (await this.#folder.text(identityNames.grant))) {
        const scene = sceneInForceOf(before.given, await this.#sceneThere());
        return installedAs(before.enrolled, scene, brokerInForceOf(undefined, {}, before.given));
      }
      const keys = await this.#folder.keys();
      const checked = checkGrant(text, {
        keys: keys.map(({ fingerprint }) => fingerprint),
        enrolled: before?.enrolled,
        people: before?.given.people,
        claimable: this.#options.claim.isOpen(),
        now: this.#options.clock.utc(),
      });
      if (checked.kind === 'refused') return checked;
      const { signature: _, ...body } = checked.grant;
      const given = mergeGrant(before?.given, body);
      const scene = nextScene(body, given, await this.#sceneThere());
      const unfit = givenSceneFault(body, given, scene, this.#options.sceneFault);
      if (unfit !== undefined) return refused(`this unit could not run with the scene of the grant: ${unfit}`);
      const kept = before !== undefined && !changesConfiguration(body);
      const configuration = await this.#configuration(given, scene, kept);
      if (configuration.fault !== undefined) {
        return refused(`this unit could not run with the configuration of the grant: ${configuration.fault}`);
      }
      const key = keys.find(({ fingerprint }) => fingerprint === checked.key)?.pem as string;
      const { enrolled } = checked;
      const texts = identityTexts({ given, enrolled, grant: asText, key, configuration: configuration.text, scene });
      await this.#folder.install(enrolled.version, texts);
      return installedAs(enrolled, sceneInForceOf(given, scene), brokerInForceOf(before?.given, body, given));
    });
  }

  async #configuration(
    given: GrantInForce,
    scene: SceneTexts,
    kept: boolean,
  ): Promise<{ readonly text: string; readonly fault?: string }> {
    const there = await this.#folder.text(identityNames.configuration);
    if (kept && there !== undefined) return { text: there };
    const evidence = await this.#options.signing?.();
    const usual = {
      data: this.#options.data,
      scene,
      ...(evidence === undefined ? {} : { signing: evidence.settings }),
    };
    const settings = unitConfiguration(given, usual);
    const inForce = there === undefined ? undefined : readConfiguration(there);
    const fault = this.#options.configurationFault?.(settings, this.#options.folder, inForce);
    return { text: configurationText(settings), ...(fault === undefined ? {} : { fault }) };
  }

  async #sceneThere(): Promise<SceneTexts> {
    const { scene, references } = identityNames;
    return { scene: await this.#folder.text(scene), references: await this.#folder.text(references) };
  }

  /** The key of this unit; made while other processes are kept out, where there is none. */
  async #key(): Promise<UnitKey> {
    return (await this.#folder.key()) ?? this.#locked(() => this.#folder.keyOrNew());
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(() => this.#locked(work));
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const { lock, folder, files } = this.#options;
    if (lock === undefined) return work();
    await makeFolders(files, folder);
    const held = await lock(folder);
    try {
      return await work();
    } finally {
      await held.release();
    }
  }

  /** One after the other: an installation must not meet another one, nor a key that is being made. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

const installedAs = (
  enrolled: EnrolledState,
  scene: SceneInForce,
  broker: BrokerInForce | undefined,
): Extract<GrantOutcome, { kind: 'installed' }> => ({
  kind: 'installed',
  enrolled,
  scene,
  ...(broker === undefined ? {} : { broker }),
});

const refused = (detail: string): GrantOutcome => ({ kind: 'refused', reason: 'configuration-invalid', detail });
