import test from 'ava';
import { bridgeRefusals } from '../bridge/refusals.ts';
import { type BridgeFigures, BridgeMetrics } from './bridge-metrics.ts';

const none: BridgeFigures = {
  ...{ online: true, connections: 1, messages: 2, bytes: 3, archived: 4, duplicates: 5, transactions: 6, waiting: 7 },
  ...{ waitingBytes: 8, setAside: 9, acksSent: 10, acksLost: 11, units: 12, unitsOnline: 13, configsPending: 14 },
  ...{ commandsPending: 15, cosigned: 16, checkpointsWaiting: 17, blobsFinished: 18, blobsUnderWay: 19, blobBytes: 20 },
  ...{ jobsGiven: 25, jobsPending: 26, versionReports: 27, versionReportsRefused: 28, updateEnds: { SUCCEEDED: 29 } },
  ...{
    forwarded: 21,
    liveReaders: 22,
    requests: 23,
    trustInForce: true,
    trustLeftS: 24,
    refusedMessages: {},
    refusedRequests: {},
  },
};

test('every figure is a metric, and every reason of a refusal is there from the first scrape on', async (t) => {
  let figures = none;
  const metrics = new BridgeMetrics(() => figures);
  const value = (text: string, name: string) => {
    const found = text.split('\n').find((line) => line.startsWith(`${name} `));
    return found === undefined ? undefined : Number(found.slice(name.length + 1));
  };
  const first = await metrics.text();
  t.is(value(first, 'atalaya_bridge_broker_connected'), 1);
  const given = Object.values(none).filter((one) => typeof one === 'number' && one > 1);
  const told = new Set(first.split('\n').map((line) => Number(/^atalaya_bridge_[a-z_]+ (\d+)$/.exec(line)?.[1])));
  for (const one of given) t.true(told.has(one as number), `${String(one)} is told`);
  t.is(value(first, 'atalaya_bridge_events_set_aside_total'), 9);
  t.is(value(first, 'atalaya_bridge_updates_ended_total{status="SUCCEEDED"}'), 29);
  const refused = (reason: string) => `atalaya_bridge_messages_refused_total{reason="${reason}"}`;
  for (const reason of bridgeRefusals) t.is(value(first, refused(reason)), 0, reason);
  figures = { ...none, refusedMessages: { 'set-aside': 2, malformed: 3 }, refusedRequests: { 'no-trust': 4 } };
  const second = await metrics.text();
  t.is(value(second, refused('set-aside')), 2);
  t.is(value(second, refused('malformed')), 3);
  t.is(value(second, refused('oversized')), 0);
  t.is(value(second, 'atalaya_bridge_requests_refused_total{reason="no-trust"}'), 4);
  metrics.close();
});
