import { join } from 'node:path';
import { bridgePrefix, checkNames, filtersOfWay } from './access.ts';
import type { BrokerFile } from './mosquitto-files.ts';

/** Where everything lies on the broker's machine. Paths are absolute. */
export interface RabbitPlace {
  /** Of the files that are made. */
  readonly folder: string;
  readonly port: number;
  /** Address to listen on; all where absent. */
  readonly bind?: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Lists of revoked certificates, each named `HASH.r0` by `openssl crl -hash -noout`; read at each handshake. */
  readonly crlFolder: string;
  /** Common names: RabbitMQ lets in only whom it has as a user. */
  readonly units: readonly string[];
  readonly bridges: readonly string[];
}

/** The places of the files that are shipped under `broker/rabbitmq/`. */
export const recommendedRabbit: RabbitPlace = {
  folder: '/etc/rabbitmq',
  port: 8883,
  ca: '/etc/rabbitmq/atalaya/ca.pem',
  cert: '/etc/rabbitmq/atalaya/server.pem',
  key: '/etc/rabbitmq/atalaya/server.key',
  crlFolder: '/etc/rabbitmq/atalaya/crls',
  units: ['unit-0001'],
  bridges: ['bridge-1', 'bridge-2', 'bridge-3', 'bridge-4'],
};

/** Throws `config-invalid` for names that are none. */
export function rabbitFiles(place: RabbitPlace): readonly BrokerFile[] {
  checkNames('unit', place.units);
  return [
    { file: 'rabbitmq.conf', text: configuration(place) },
    { file: 'advanced.config', text: tls(place) },
    { file: 'enabled_plugins', text: '[rabbitmq_mqtt].\n' },
    { file: 'definitions.json', text: rabbitDefinitions([...place.units, ...place.bridges]) },
  ];
}

function configuration({ folder, port, bind }: RabbitPlace): string {
  return `# RabbitMQ 3.10 and its MQTT plugin for Atalaya. Made by broker/rabbit-files.ts; the tests run this text.
# Whoever changes it reads broker/README.md first: several lines are there because of what happened without them.
# TLS is in advanced.config, since lists of revoked certificates cannot be named here.

listeners.tcp = none
mqtt.listeners.tcp = none
mqtt.listeners.ssl.default = ${bind === undefined ? '' : `${bind}:`}${port}

# The common name of the certificate is the name of the user. What a user may do is in definitions.json.
mqtt.allow_anonymous = false
mqtt.ssl_cert_login = true
ssl_cert_login_from = common_name

mqtt.vhost = /
mqtt.exchange = amq.topic
# QoS 1 messages on their way to one client.
mqtt.prefetch = 64
# Bytes of a message, above the contract's longest (120 KiB). A longer one reaches nobody, and whoever sent it gets nothing more through
# until it connects again. There is no limit for packets: the whole is read first.
max_message_size = 131072
# How long a session that is away is kept: 14 days, in ms.
mqtt.subscription_ttl = 1209600000
# 44 ms less for each exchange.
mqtt.tcp_listen_options.nodelay = true

load_definitions = ${join(folder, 'definitions.json')}
`;
}

function tls({ ca, cert, key, crlFolder }: RabbitPlace): string {
  return `%% TLS of every listener. Made by broker/rabbit-files.ts; the tests run this text.
[{rabbit, [{ssl_options, [
  {cacertfile, "${ca}"},
  {certfile, "${cert}"},
  {keyfile, "${key}"},
  {verify, verify_peer},
  {fail_if_no_peer_cert, true},
  {versions, ['tlsv1.3', 'tlsv1.2']},
  %% A session of TLS 1.2 that is taken up again asks for no certificate, and so for no list of revoked ones.
  {reuse_sessions, false},
  {crl_check, true},
  {crl_cache, {ssl_crl_hash_dir, {internal, [{dir, "${crlFolder}"}]}}}
]}]}].
`;
}

/**
 * Users and what they may do, as `rabbitmqctl import_definitions` takes them; bridges are known by their names. Importing adds: a unit
 * more is a file with that unit alone. Nobody has a password. Throws `config-invalid` for names that are none.
 */
export function rabbitDefinitions(names: readonly string[]): string {
  for (const name of names) checkNames(name.startsWith(bridgePrefix) ? 'bridge' : 'unit', [name]);
  const vhost = '/';
  const exchange = 'amq.topic';
  return `${JSON.stringify(
    {
      vhosts: [{ name: vhost }],
      users: names.map((name) => ({
        name,
        password_hash: '',
        hashing_algorithm: 'rabbit_password_hashing_sha256',
        tags: '',
      })),
      permissions: names.map((user) => {
        const own = `mqtt-subscription-${user}(\\.[0-9a-f]{16,64})?qos[01]`;
        const all = `^(${own}|amq\\.topic)$`;
        return { user, vhost, configure: `^${own}$`, write: all, read: all };
      }),
      topic_permissions: names.map((user) => {
        const bridge = user.startsWith(bridgePrefix);
        const [says, hears] = bridge ? (['down', 'up'] as const) : (['up', 'down'] as const);
        const unit = bridge ? '+' : '{username}';
        return {
          user,
          vhost,
          exchange,
          // Of what is published the topic is looked at, of what is subscribed the filter: both have to be of these.
          write: routingKeys(filtersOfWay(says, unit)),
          read: routingKeys(filtersOfWay(hears, unit)),
        };
      }),
    },
    undefined,
    2,
  )}\n`;
}

/** A regular expression over routing keys, which have a dot where a topic has a slash, and `*` where a filter has `+`. */
function routingKeys(filters: readonly string[]): string {
  const forms = filters.map((filter) =>
    filter
      .replaceAll('/', '\\.')
      .replaceAll('+', '[^.]+')
      .replace(/^atalaya\\\./, ''),
  );
  return `^atalaya\\.(${forms.join('|')})$`;
}
