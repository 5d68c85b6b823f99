import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { logLevels } from '../../../device/kernel/log/log.ts';
import { parse } from '../../../device/kernel/schema.ts';

const path = z.string().min(1);
const port = z.int().min(0).max(65_535);
const secret = (what: string) => ({
  url: z.string().min(1).optional().describe(`${what}, where it holds no password.`),
  urlFile: path.optional().describe(`A file that holds it; for one with a password.`),
});

/** The configuration of the centre's end. The reference page is made of this. */
export const bridgeConfigSchema = z.strictObject({
  name: z
    .string()
    .regex(/^bridge-[a-z0-9][a-z0-9-]{0,50}$/, 'does not begin with bridge-')
    .default('bridge-1')
    .describe('Name of this bridge: the CN of its certificate and its client id at the broker.'),
  data: path
    .default('bridge-data')
    .describe('Folder of all that is kept, but for what is put elsewhere below. One bridge at a time.'),
  broker: z
    .strictObject({
      url: z
        .string()
        .regex(/^mqtts?:\/\//, 'does not begin with mqtts://')
        .default('mqtts://127.0.0.1:8883')
        .describe('The MQTT broker; `mqtt://` without TLS is for tests.'),
      ca: path.optional().describe("Certificate of the authority that the broker's certificate is held against (PEM)."),
      cert: path.optional().describe('Certificate of this bridge (PEM); read again at each connection.'),
      key: path.optional().describe('Its private key (PEM).'),
      serverName: z
        .string()
        .optional()
        .describe("Name in the broker's certificate, where it is not the host of `url`."),
      protocol: z
        .enum(['auto', '5', '3.1.1'])
        .default('auto')
        .describe('Version of MQTT; `auto`: 5 where the broker speaks it.'),
      keepAliveS: z
        .int()
        .min(5)
        .max(600)
        .default(30)
        .describe('Silence in seconds after which the broker is asked whether it is there.'),
      sessionHours: z
        .number()
        .min(0.1)
        .max(720)
        .default(48)
        .describe('How long the broker keeps messages for a bridge that is away, where it speaks MQTT 5.'),
    })
    .prefault({})
    .describe('The way to the units.'),
  sharing: z
    .strictObject({
      group: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,30}$/)
        .optional()
        .describe(
          'Several bridges share the messages through the broker (`$share`) under this name; not with RabbitMQ.',
        ),
      partition: z
        .strictObject({
          index: z.int().min(0).max(255).describe('Number of this bridge, from 0.'),
          of: z.int().min(2).max(256).describe('Number of bridges.'),
        })
        .refine(({ index, of }) => index < of, 'index is not below of')
        .optional()
        .describe('Each of several bridges takes its part of the units; with any broker.'),
    })
    .refine(
      ({ group, partition }) => group === undefined || partition === undefined,
      'group and partition exclude each other',
    )
    .prefault({})
    .describe('Bridges side by side; they need `archive` and `blobs` that they share.'),
  archive: z
    .strictObject(secret('PostgreSQL, as `postgres://user@host/database`'))
    .prefault({})
    .describe('Without it, an SQLite file in `data`.'),
  blobs: z
    .strictObject({
      endPoint: z.string().describe('Host of the S3-compatible storage.'),
      port: port.optional().describe('443, or 80 without TLS, unless said otherwise.'),
      tls: z.boolean().default(true).describe('Speak HTTPS.'),
      bucket: z.string().min(3).describe('Made where it is missing.'),
      prefix: z.string().optional().describe('Before every name.'),
      region: z.string().optional().describe('Where the storage asks for one.'),
      accessKeyFile: path.describe('A file that holds the access key.'),
      secretKeyFile: path.describe('A file that holds the secret key.'),
    })
    .optional()
    .describe('Where sealed files go; without it, a folder in `data`.'),
  queues: z
    .strictObject({
      ...secret('RabbitMQ, as `amqps://user@host`'),
      ca: path.optional().describe('Certificate of the authority of its certificate (PEM).'),
    })
    .optional()
    .describe('Queues of other programs: infraction.detection, notification.email, report.generation, config.updates.'),
  witness: z
    .strictObject({
      name: z
        .string()
        .min(1)
        .max(100)
        .default('atalaya-witness')
        .describe('Name under which checkpoints are cosigned.'),
      keyFile: path
        .optional()
        .describe(
          'Its Ed25519 key (PEM): bridges side by side share one. Without it, `witness.pem` in `data`, made at the first start.',
        ),
    })
    .prefault({})
    .describe('The witness of the logs of units.'),
  trust: z
    .strictObject({
      rootKey: path.optional().describe('Public root key (PEM). Without it nobody may ask anything of this bridge.'),
      document: path.optional().describe('A signed trust document, taken into use at the start where it is newer.'),
    })
    .prefault({})
    .describe('Who may do what.'),
  api: z
    .strictObject({
      socket: path
        .nullable()
        .optional()
        .describe('Socket for `atalaya-fleet`; `api.sock` in `data` unless said otherwise, null for none.'),
      tls: z
        .strictObject({
          host: z
            .string()
            .default('0.0.0.0')
            .describe(
              'Address to listen on; usually every one of this machine: a request without an act that somebody of the trust document has signed is refused before its body is read.',
            ),
          port: port.default(8443).describe('Port to listen on.'),
          cert: path.describe('Certificate (PEM).'),
          key: path.describe('Its private key (PEM).'),
        })
        .optional()
        .describe('HTTPS for people elsewhere.'),
    })
    .prefault({})
    .describe('Where people are listened to.'),
  ops: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address to listen on.'),
      port: port.default(9465).describe('Port to listen on; 0 for any free one.'),
    })
    .nullable()
    .prefault({})
    .describe('`/healthz` and `/metrics`, without a signed act; null for none.'),
  updates: z
    .strictObject({
      repository: path.describe(
        "The publisher's folder, as `atalaya-ota publish` leaves it: both repositories and the files.",
      ),
      keys: z
        .strictObject({
          targets: path.describe('Key that signs what each unit is to become (PEM).'),
          snapshot: path.describe('Key of the snapshots (PEM).'),
          timestamp: path.describe('Key of the timestamps (PEM).'),
        })
        .describe("The director's online keys."),
      passphraseFile: path.optional().describe('A file that holds the passphrase of the keys, where they have one.'),
    })
    .optional()
    .describe(
      'What units are updated to. Of bridges side by side all, or none, see the same folder. Without it, none gives updates.',
    ),
  evidence: z
    .enum(['on-request', 'all'])
    .default('on-request')
    .describe('`all`: every sealed file is fetched as soon as its record is here; units have to allow it.'),
  telemetryDays: z
    .number()
    .min(1)
    .max(36_500)
    .default(365)
    .describe('Telemetry is kept for so many days; every other event for ever.'),
  silentMinutes: z
    .number()
    .min(1)
    .max(10_080)
    .default(10)
    .describe(
      'A unit that is offline for so long raises `unit-silent`. One that is there by what the broker says, and of which nothing is heard, raises it after twice the interval at which it sends figures, at least 25 minutes, and never before this.',
    ),
  memoryMegabytes: z
    .number()
    .min(4)
    .max(4096)
    .default(32)
    .describe('Messages that wait for the archive; the broker keeps what is beyond.'),
  unitMegabytes: z
    .number()
    .min(1)
    .max(1024)
    .default(16)
    .describe(
      'The same of one unit; more than a unit sends before it has an acknowledgement (4 MB a lane unless its configuration says otherwise).',
    ),
  log: z
    .strictObject({
      level: z.enum(logLevels).default('info').describe('Lines of a lower level are not written.'),
      folder: path.optional().describe('Files that are rotated daily; without it, standard error.'),
      keepDays: z.int().min(1).max(3650).default(14).describe('Days with lines that are kept.'),
    })
    .prefault({})
    .describe('The log.'),
});
export type BridgeConfig = z.output<typeof bridgeConfigSchema>;

/** Throws `config-invalid` with every fault named by its path. Paths are relative to the folder of the file. */
export async function loadBridgeConfig(file: string): Promise<BridgeConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new AtalayaError('config-invalid', `${file} ${why}`, {
      hint: 'Check the path given with --config.',
      cause: error,
    });
  }
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault !== undefined) throw new AtalayaError('config-invalid', `${file} is not YAML: ${fault.message}`);
  return locateBridgeConfig(parse(bridgeConfigSchema, document.toJS() ?? {}, file, 'config-invalid'), dirname(file));
}

export function defaultBridgeConfig(): BridgeConfig {
  return bridgeConfigSchema.parse({});
}

/** With every relative path made absolute against a folder. */
export function locateBridgeConfig(config: BridgeConfig, folder: string): BridgeConfig {
  const at = (file: string) => resolve(folder, file);
  const { broker, archive, blobs, queues, witness, trust, updates, api, log } = config;
  return {
    ...config,
    data: at(config.data),
    broker: located(broker, ['ca', 'cert', 'key'], at),
    archive: located(archive, ['urlFile'], at),
    ...(blobs === undefined ? {} : { blobs: located(blobs, ['accessKeyFile', 'secretKeyFile'], at) }),
    ...(queues === undefined ? {} : { queues: located(queues, ['urlFile', 'ca'], at) }),
    witness: located(witness, ['keyFile'], at),
    trust: located(trust, ['rootKey', 'document'], at),
    ...(updates === undefined
      ? {}
      : {
          updates: {
            ...located(updates, ['repository', 'passphraseFile'], at),
            keys: located(updates.keys, ['targets', 'snapshot', 'timestamp'], at),
          },
        }),
    api: {
      ...(typeof api.socket === 'string' ? { socket: at(api.socket) } : api),
      ...(api.tls === undefined ? {} : { tls: located(api.tls, ['cert', 'key'], at) }),
    },
    log: located(log, ['folder'], at),
  };
}

function located<T extends object>(section: T, fields: readonly (keyof T)[], at: (file: string) => string): T {
  const copy = { ...section };
  for (const field of fields) {
    const value = copy[field];
    if (typeof value === 'string') copy[field] = at(value) as T[keyof T];
  }
  return copy;
}
