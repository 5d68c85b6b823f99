import { join } from 'node:path';
import type { Way } from '../contract/topics.ts';
import { checkNames, filtersOfWay } from './access.ts';

/** A file to be written: its name in the broker's folder. */
export interface BrokerFile {
  readonly file: string;
  readonly text: string;
}

/** Where everything lies on the broker's machine. Paths are absolute. */
export interface MosquittoPlace {
  /** Of `mosquitto.conf` and `acl`. */
  readonly folder: string;
  /** What outlives a restart: sessions, queues, retained messages. The broker's user writes there. */
  readonly dataFolder: string;
  readonly port: number;
  /** Address to listen on; all where absent. */
  readonly bind?: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly crl: string;
  /** Common names of the bridges: Mosquitto's list of users knows no patterns of names. */
  readonly bridges: readonly string[];
  /** The account that the broker changes to when root starts it; `mosquitto` where absent. */
  readonly user?: string;
}

/** The places of the files that are shipped under `broker/mosquitto/`. */
export const recommendedMosquitto: MosquittoPlace = {
  folder: '/etc/mosquitto/atalaya',
  dataFolder: '/var/lib/mosquitto',
  port: 8883,
  ca: '/etc/mosquitto/atalaya/ca.pem',
  cert: '/etc/mosquitto/atalaya/server.pem',
  key: '/etc/mosquitto/atalaya/server.key',
  crl: '/etc/mosquitto/atalaya/crl.pem',
  bridges: ['bridge-1', 'bridge-2', 'bridge-3', 'bridge-4'],
};

/** Throws `config-invalid` for a bridge that is not named so. */
export function mosquittoFiles(place: MosquittoPlace): readonly BrokerFile[] {
  checkNames('bridge', place.bridges);
  return [
    { file: 'mosquitto.conf', text: configuration(place) },
    { file: 'acl', text: accessList(place.bridges) },
  ];
}

function configuration(place: MosquittoPlace): string {
  const { folder, dataFolder, port, bind, ca, cert, key, crl, user } = place;
  return `# Mosquitto 2.0 for Atalaya. Made by broker/mosquitto-files.ts; the tests run this text.
# Whoever changes it reads broker/README.md first: several lines are there because of what happened without them.
${user === undefined ? '' : `user ${user}\n`}
listener ${port}${bind === undefined ? '' : ` ${bind}`}
cafile ${ca}
certfile ${cert}
keyfile ${key}
# Read again at SIGHUP. Once its nextUpdate has passed every client is refused: have it renewed in time, and watched.
crlfile ${crl}
require_certificate true

# The common name of the certificate is the name of the user and the client id. Without the last line one unit's certificate
# takes over another one's session.
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file ${join(folder, 'acl')}

# 44 ms less for each exchange.
set_tcp_nodelay true

# QoS 1 messages on their way to one client. A client of MQTT 5 may ask for fewer.
max_inflight_messages 64
# What is kept for a bridge that is away; what is above it is dropped without a word, and the units send it again.
max_queued_messages 100000
max_queued_bytes 268435456
# The contract's longest packet is 120 KiB and its topic.
max_packet_size 131072

persistence true
persistence_location ${dataFolder.endsWith('/') ? dataFolder : `${dataFolder}/`}
autosave_interval 60
# A unit that was away for longer is a new one to the broker; it loses nothing by that.
persistent_client_expiration 14d

log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
connection_messages true
`;
}

function accessList(bridges: readonly string[]): string {
  const rules = (kind: 'pattern' | 'topic', verb: 'read' | 'write', way: Way, unit: string) =>
    filtersOfWay(way, unit).map((filter) => `${kind} ${verb} ${filter}`);
  const bridge = [...rules('topic', 'read', 'up', '+'), ...rules('topic', 'write', 'down', '+')];
  return [
    '# Who may say and hear what. Made by broker/mosquitto-files.ts from the table of topics.',
    '# Patterns hold for everyone; %u is the common name of the certificate.',
    ...rules('pattern', 'write', 'up', '%u'),
    ...rules('pattern', 'read', 'down', '%u'),
    ...bridges.flatMap((name) => ['', `user ${name}`, ...bridge]),
    '',
  ].join('\n');
}
