import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import { ManualClock } from '../../../../device/kernel/manual-clock.ts';
import type { Timer } from '../../../../device/kernel/timer.ts';
import type { Target } from '../../../../ota/contract/target.ts';
import { makeRollout } from '../../../centre/rollout/make-rollout.ts';
import { type Command, type Desired, desired as desiredSchema, type Trust } from '../../../contract/acts.ts';
import { makePersonKey } from '../../../contract/person-key.ts';
import type { Rollout, RolloutPlan } from '../../../contract/rollout.ts';
import { writeKeyFile } from '../../../fleet/key-files.ts';
import { type StubAnswer, StubBridge, type StubHandler, type StubRequest } from '../../../fleet/testing/stub-bridge.ts';
import type { FleetIo } from '../fleet-io.ts';
import { runFleet } from '../program.ts';
import { acts, alerts, contents, entry, figures, selfTest } from './stub-figures.ts';
import { type ActQuery, actPage, type InfractionQuery, infractionPage } from './stub-pages.ts';

const iso = (ms: number) => new Date(ms).toISOString();
const zeros = '0'.repeat(64);

/** How a call is made, where it is not as usual. */
export interface CallOptions {
  readonly terminal?: boolean;
  readonly columns?: number;
  /** Answers to questions, `^C` for none; without them nobody is there to be asked. */
  readonly answers?: readonly string[];
  /** What the person does in the editor. */
  readonly edit?: (text: string) => string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The call is told to stop after so many waits. */
  readonly waits?: number;
}

export interface CallResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly string[];
}

/** A centre with two units, as far as the routes tell, and the program that asks it. */
export class StubFleet {
  readonly clock = new ManualClock(Date.parse('2026-03-01T12:00:00Z'));
  readonly person = makePersonKey();
  readonly layers = new Map<string, { name: string; version: number; settings: Record<string, JsonValue> }>();
  readonly released: Desired[] = [];
  readonly commands: Command[] = [];
  readonly rollouts = new Map<string, Rollout>();
  plan: RolloutPlan | undefined;
  /** What is published; undefined where the centre gives no updates. */
  targets: readonly Target[] | undefined;
  /** How it stands with the updates of north-1: more of it, and in short. */
  update: Record<string, unknown> = {};
  brief: Record<string, unknown> = {};
  readonly outcomes = new Map<string, 'confirmed' | 'rejected' | 'rolled-back'>();
  /** Of versions of north-1 that are in force, although they are not the newest. */
  inForce: number | undefined;
  /** What became of versions, where the centre knows it of each. */
  readonly became = new Map<number, { outcome: string; at: string; reasons: readonly string[] }>();
  trust: Trust;
  /** Since when the centre has no broker; while it has one, undefined. */
  brokerGone: string | undefined;
  /** Says another answer than the usual one. */
  instead: (request: StubRequest) => StubAnswer | undefined = () => undefined;
  readonly folder: string;
  readonly #bridge: StubBridge;
  #ids = 0;
  /** Where edits that came to nothing were left for the person. */
  readonly #left: string[] = [];

  constructor(folder: string) {
    this.folder = folder;
    const { publicPem: publicKey } = this.person;
    this.trust = {
      schema: 'atalaya/trust/1',
      version: 1,
      issued: iso(this.clock.utc()),
      people: [{ name: 'Ana', role: 'supervisor', publicKey }],
    };
    this.#bridge = new StubBridge(
      [publicKey],
      () => this.clock.utc(),
      (request) => this.instead(request) ?? this.#handle(request),
    );
  }

  static async start(): Promise<StubFleet> {
    const fleet = new StubFleet(await mkdtemp(join(tmpdir(), 'atalaya-fleet-')));
    await fleet.#bridge.listen(fleet.at('bridge.sock'));
    await writeKeyFile(fleet.at('ana.pem'), fleet.person.privatePem, 0o600, 'made');
    return fleet;
  }

  async close(): Promise<void> {
    await this.#bridge.close();
    for (const folder of [this.folder, ...this.#left]) await rm(folder, { recursive: true });
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  get requests(): readonly StubRequest[] {
    return this.#bridge.requests;
  }

  /** Runs one call of the program. */
  async call(args: readonly string[], options: CallOptions = {}): Promise<CallResult> {
    const [out, err, asked]: string[][] = [[], [], []];
    const stop = new AbortController();
    const answers = [...(options.answers ?? [])];
    let waits = 0;
    const timer: Timer = {
      sleep: async (time) => {
        waits += 1;
        if (options.waits !== undefined && waits >= options.waits) stop.abort();
        await this.clock.advance(time);
      },
    };
    const sink = (to: string[] | undefined) => ({
      write: (text: string) => void to?.push(text),
      terminal: options.terminal === true,
      columns: options.columns,
    });
    const io: FleetIo = {
      out: sink(out),
      err: sink(err),
      ask:
        options.answers === undefined
          ? undefined
          : async (question) => {
              asked?.push(question);
              const answer = answers.shift() ?? 'no';
              return answer === '^C' ? undefined : answer;
            },
      edit: async (_, path) => {
        if (options.edit === undefined) return false;
        await writeFile(path, options.edit(await readFile(path, 'utf8')));
        return true;
      },
      environment: {
        ATALAYA_BRIDGE: `unix:${this.at('bridge.sock')}`,
        ATALAYA_KEY: this.at('ana.pem'),
        EDITOR: 'ed',
        ...options.environment,
      },
      clock: this.clock,
      timer,
      newId: () => {
        this.#ids += 1;
        return `act-${String(this.#ids).padStart(8, '0')}`;
      },
      signal: stop.signal,
    };
    const code = await runFleet(args, io);
    const left = /What you wrote is in (.*)\/[^/]*\.yaml/.exec((err ?? []).join(''))?.[1];
    if (left !== undefined) this.#left.push(left);
    return { code, out: (out ?? []).join(''), err: (err ?? []).join(''), asked: asked ?? [] };
  }

  /** A unit's twin. */
  unit(unit: string, more: Record<string, unknown> = {}): Record<string, unknown> {
    const newest = this.released.filter((one) => one.unit === unit).at(-1);
    return {
      unit,
      online: true,
      state: { online: true, site: 'Bridge Street', health: 'good', software: '0.1.0' },
      firstSeen: iso(this.clock.utc() - 86_400_000),
      lastSeen: iso(this.clock.utc() - 12_000),
      marks: [{ lane: 'infraction', stream: '0123456789abcdef', upTo: 41 }],
      refused: {},
      alerts: { raised: 0, critical: 0 },
      ...(newest === undefined
        ? {}
        : { desired: { version: newest.version, sha256: zeros }, reported: this.#reported(unit) }),
      telemetry: { time: iso(this.clock.utc() - 30_000), data: figures },
      ...more,
    };
  }

  #reported(unit: string) {
    const newest = this.released.filter((one) => one.unit === unit).at(-1);
    const outcome = this.outcomes.get(unit);
    if (newest === undefined || outcome === undefined) return undefined;
    const why = {
      confirmed: [],
      rejected: ['bundle-not-here: detector.bundle names a model bundle that is not on this unit'],
      'rolled-back': ['broker-not-reached: the broker was not reached within 9 s'],
    };
    const reasons = why[outcome];
    const kept = outcome === 'confirmed' ? newest.version : newest.version - 1;
    const inForce = { version: this.inForce ?? kept, sha256: zeros };
    return { at: iso(this.clock.utc()), outcome, version: newest.version, reasons, inForce };
  }

  #handle(request: StubRequest): StubAnswer {
    return (
      this.#routes[request.name]?.(request) ?? {
        status: 404,
        error: { code: 'unknown', message: 'the stub has no such thing' },
      }
    );
  }

  #broker(): object {
    const now = iso(this.clock.utc());
    if (this.brokerGone === undefined) return { broker: { connected: true, since: now }, relayed: now };
    return { broker: { connected: false, since: this.brokerGone } };
  }

  readonly #routes: Readonly<Partial<Record<StubRequest['name'], StubHandler>>> = {
    units: () => {
      const units = [this.unit('north-1', this.brief), this.unit('north-2', { online: false })];
      const { expires } = this.trust;
      return { json: { units, ...this.#broker(), trust: { version: this.trust.version, expires } } };
    },
    unit: ({ parameters: { unit = '' } }) =>
      ['north-1', 'north-2'].includes(unit)
        ? { json: { ...this.unit(unit), ...this.#broker() } }
        : { status: 404, error: { code: 'unknown', message: `there is no unit ${unit}` } },
    acceptKey: ({ parameters: { unit = '' } }) => ({ json: this.unit(unit) }),
    config: ({ parameters: { unit = '' } }) => {
      const all = this.released.filter((one) => one.unit === unit).reverse();
      const history = all.map(({ version, issued, note }) => ({
        version,
        sha256: zeros,
        issued,
        released: issued,
        by: 'Ana',
        note,
        became: this.became.get(version),
      }));
      return { json: { desired: all[0], reported: this.#reported(unit), history } };
    },
    configVersion: ({ parameters: { unit, version } }) => {
      const found = this.released.find((one) => one.unit === unit && `${one.version}` === version);
      if (found === undefined)
        return { status: 404, error: { code: 'unknown', message: `there is no version ${version}` } };
      return { json: found };
    },
    releaseConfig: ({ raw }) => {
      const document = desiredSchema.parse((raw as { document: unknown }).document);
      this.released.push(document);
      return { json: { version: document.version, sha256: zeros, ...this.#broker() } };
    },
    layers: () => ({ json: { layers: [...this.layers.values()] } }),
    layer: ({ parameters: { name = '' } }) => ({ json: this.layers.get(name) ?? { name, version: 0, settings: {} } }),
    putLayer: ({ parameters: { name = '' }, body }) => {
      const { settings, based } = body as { settings: Record<string, JsonValue>; based: number };
      const before = this.layers.get(name)?.version ?? 0;
      if (before !== based) return { status: 409, error: { code: 'conflict', message: `it is of version ${before}` } };
      const after = { name, version: before + 1, settings };
      this.layers.set(name, after);
      return { json: after };
    },
    alerts: ({ query }) => {
      const { state } = query as { state?: string };
      return { json: { alerts: state === 'closed' ? [] : alerts(this.clock.utc()) } };
    },
    acknowledgeAlert: ({ parameters: { id }, body }) => {
      const found = alerts(this.clock.utc()).find((one) => one.id === id);
      const { note } = body as { note: string };
      return { json: { ...found, acknowledged: { by: 'Ana', at: iso(this.clock.utc()), note } } };
    },
    command: ({ raw }) => {
      const { command } = raw as { command: Command };
      this.commands.push(command);
      return { json: { unit: command.unit, id: command.id, ...this.#broker() } };
    },
    reply: ({ parameters: { id } }) => {
      const command = this.commands.find((one) => one.id === id);
      if (command === undefined)
        return { status: 404, error: { code: 'unknown', message: 'there is no such command' } };
      const image = Buffer.from('a picture').toString('base64');
      const reply =
        command.unit === 'north-2'
          ? undefined
          : {
              id: command.id,
              name: command.name,
              at: iso(this.clock.utc()),
              outcome: 'done',
              result: command.name === 'snapshot' ? { image } : { report: selfTest },
            };
      return { json: { command, ...this.#broker(), ...(this.brokerGone === undefined ? { reply } : {}) } };
    },
    infractions: ({ query }) => ({ json: infractionPage(this.#evidence().files, query as InfractionQuery) }),
    evidence: () => ({ json: this.#evidence() }),
    evidenceFile: ({ parameters: { file = '' } }) => ({ content: [contents[file] ?? ''] }),
    startRollout: ({ body, raw }) => {
      const { plan } = body as { plan: RolloutPlan };
      this.plan = (raw as { plan: RolloutPlan }).plan;
      const made = makeRollout(plan, 'Ana (supervisor)', this.clock.utc());
      this.rollouts.set(made.id, made);
      return { json: made };
    },
    updates: () => ({ json: { signs: this.targets !== undefined, targets: this.targets ?? [] } }),
    unitUpdates: ({ parameters: { unit = '' } }) => ({ json: { unit, history: [], ...this.update } }),
    rollouts: () => ({ json: { rollouts: [...this.rollouts.values()] } }),
    rollout: ({ parameters: { id = '' } }) => ({ json: this.rollouts.get(id) }),
    pauseRollout: (request) => this.#steer(request, 'paused'),
    resumeRollout: (request) => this.#steer(request, 'running'),
    abortRollout: (request) => this.#steer(request, 'aborted'),
    telemetry: ({ parameters: { unit = '' } }) => ({ json: { events: [this.#event(unit)] } }),
    acts: ({ query }) => ({ json: actPage(acts(this.clock.utc(), this.person.id), query as ActQuery) }),
    trust: () => ({ json: { trust: this.trust } }),
    putTrust: ({ raw }) => {
      this.trust = (raw as { trust: Trust }).trust;
      return { json: { version: this.trust.version, sha256: zeros } };
    },
    live: () => ({
      content: [
        `${JSON.stringify(this.#event('north-1'))}\n{"mis`,
        'sed": 3}\n',
        `${JSON.stringify(this.#event('north-2'))}\n`,
      ],
    }),
  };

  #steer({ parameters: { id = '' }, body }: StubRequest, state: Rollout['state']): StubAnswer {
    const before = this.rollouts.get(id);
    if (before === undefined) return { status: 404, error: { code: 'unknown', message: 'there is no such rollout' } };
    const { reason, restore = false } = body as { reason: string; restore?: boolean };
    const after = { ...before, state, reason, restoring: restore };
    this.rollouts.set(id, after);
    return { json: after };
  }

  #event(unit: string) {
    const time = iso(this.clock.utc());
    const place = { lane: 'telemetry', stream: '0123456789abcdef', sequence: 7, previous: 6 };
    return { position: 1, unit, ...place, kind: 'telemetry', time, archived: time, data: figures };
  }

  /** Here only after it was pulled. */
  #evidence() {
    const pulled = this.commands.some(({ name }) => name === 'evidence-pull');
    const file = (name: string) => {
      const bytes = contents[name]?.length ?? 0;
      return { file: name, bytes, here: pulled ? bytes : 0, state: pulled ? 'finished' : 'not-asked' };
    };
    return { unit: 'north-1', evidence: 'north-1-7', entry, files: ['keys', 'context.jpg', 'clip.mjpeg'].map(file) };
  }
}
