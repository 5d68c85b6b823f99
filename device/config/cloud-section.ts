import { z } from 'zod';
import { atUnit, live, restart } from './apply.ts';

const brokerForm = /^mqtts?:\/\/(\[[0-9a-f:]+\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)(:[1-9][0-9]{0,4})?$/;
const thisMachine = /^mqtt:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|$)/;

/** Address of a broker: TLS always, except on this very machine. */
const broker = z
  .string()
  .regex(brokerForm, { error: 'is no address such as mqtts://broker.example:8883', abort: true })
  .refine((url) => url.startsWith('mqtts://') || thisMachine.test(url), {
    message: 'is not mqtts://: without TLS the unit speaks with this very machine only',
    params: { refusal: 'broker-not-mqtts' },
  });

export const cloud = z
  .strictObject({
    broker: broker
      .optional()
      .meta(
        restart(
          'The broker, as `mqtts://host:port` (8883 unless said otherwise). `mqtt://` is taken of this very machine only, for trials. Without it the unit speaks with no centre.',
        ),
      ),
    ca: z
      .string()
      .min(1)
      .optional()
      .meta(
        atUnit(
          'Certificates (PEM) of the authorities whose brokers are believed. Without it, those that the runtime knows. Relative paths start at the configuration file.',
        ),
      ),
    cert: z
      .string()
      .min(1)
      .optional()
      .meta(
        atUnit(
          "The unit's certificate (PEM), whose CN is `unit.id`; required of `mqtts://`. The file is read again at every connection. Relative paths start at the configuration file.",
        ),
      ),
    key: z
      .string()
      .min(1)
      .optional()
      .meta(atUnit('The private key of `cert` (PEM). Relative paths start at the configuration file.')),
    sessionSecret: z
      .string()
      .regex(/^[0-9a-f]{16,64}$/, 'is not 16 to 64 hexadecimal digits')
      .optional()
      .meta(
        atUnit(
          "Ending of the unit's client id, after a dot, for brokers that do not tie the client id to the certificate (RabbitMQ): nobody else can name the session then, and throw it off. Without it the client id is `unit.id`.",
        ),
      ),
    protocol: z
      .enum(['auto', '5', '3.1.1'])
      .default('auto')
      .meta(restart('Version of MQTT; `auto` is 5, and 3.1.1 where the broker knows no 5.')),
    keepAliveS: z
      .int()
      .min(5)
      .max(1200)
      .default(30)
      .meta(restart('A link over which nothing was heard for one and a half times as long is given up.', 's')),
    window: z
      .int()
      .min(1)
      .max(1000)
      .default(64)
      .meta(live('Messages that may be under way to the broker at once; fewer where the broker takes fewer.')),
    resendAfterS: z
      .number()
      .min(5)
      .max(3600)
      .default(30)
      .meta(restart('What the centre has not acknowledged so long after the broker took it is sent once more.', 's')),
    evidence: z
      .enum(['on-request', 'all'])
      .default('on-request')
      .meta(
        restart(
          'Which sealed files the centre may fetch: those that a person asked for by a signed command, or all of them.',
        ),
      ),
    telemetryS: z
      .number()
      .min(5)
      .max(86_400)
      .default(60)
      .meta(live('Figures of machine and pipeline are taken so often.', 's')),
    telemetryQueueMegabytes: z
      .number()
      .min(1)
      .max(10_000)
      .default(64)
      .meta(
        restart(
          'Disk for counts and figures that wait to be sent. Beyond it the oldest are dropped, and counted; alerts and infractions never are.',
          'MB',
        ),
      ),
    dataBudgetMegabytesPerMonth: z
      .number()
      .min(1)
      .max(1e7)
      .optional()
      .meta(
        restart(
          'For metered links: what may be sent in a month. When it is nearly used up figures are thinned and then held, and so is evidence; alerts and infractions always go, and are counted. Without it nothing is held.',
          'MB/month',
        ),
      ),
    trust: z
      .string()
      .min(1)
      .optional()
      .meta(
        atUnit(
          'Who may configure and command this unit: the trust document, signed by the root key. Without it every document and command of the centre is refused. Relative paths start at the configuration file.',
        ),
      ),
    rootKey: z
      .string()
      .min(1)
      .optional()
      .meta(
        atUnit(
          'The public half (PEM, Ed25519) of the root key; required where there is `trust`. Relative paths start at the configuration file.',
        ),
      ),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    path: ['cert'],
    message: 'and cloud.key go together: one is nothing without the other',
    params: { refusal: 'certificate-without-key' },
  })
  .refine(({ broker: url, cert }) => url === undefined || !url.startsWith('mqtts://') || cert !== undefined, {
    path: ['cert'],
    message: 'is missing: a unit shows its certificate to an mqtts:// broker',
    params: { refusal: 'broker-without-certificate' },
  })
  .refine(({ trust, rootKey }) => trust === undefined || rootKey !== undefined, {
    path: ['rootKey'],
    message: 'is missing: a trust document is believed only by the root key',
    params: { refusal: 'trust-without-root' },
  });
