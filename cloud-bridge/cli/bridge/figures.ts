import type { ApiServer } from '../../centre/api/server.ts';
import type { TrustWatch } from '../../centre/api/trust-watch.ts';
import type { Bridge } from '../../centre/bridge/bridge.ts';
import type { BridgeFigures } from '../../centre/metrics/bridge-metrics.ts';

/** The figures of a bridge, from where they are counted. */
export function figuresOf(
  bridge: Bridge,
  api: Pick<ApiServer, 'figures'>,
  trust: Pick<TrustWatch, 'figures'>,
): BridgeFigures {
  const { messages, bytes } = bridge.desk.figures;
  const { archived, duplicates, batches, waiting, waitingBytes } = bridge.ingest.figures;
  const { cosigned, waiting: checkpointsWaiting } = bridge.witnessDesk.figures;
  const updates = bridge.updates.figures;
  const { jobs, finished, receivedBytes } = bridge.collector.figures;
  const refusedMessages: Record<string, number> = {};
  for (const { reason, count } of bridge.refusals.all())
    refusedMessages[reason] = (refusedMessages[reason] ?? 0) + count;
  return {
    ...{ online: bridge.online, connections: bridge.connections, messages, bytes },
    ...{ archived, duplicates, transactions: batches, waiting, waitingBytes, setAside: bridge.setAside.count },
    ...{ acksSent: bridge.acks.sent, acksLost: bridge.acks.lost },
    ...{ units: bridge.twins.size, unitsOnline: bridge.twins.online },
    ...{ configsPending: bridge.configs.pending, commandsPending: bridge.commands.pending },
    ...{ cosigned, checkpointsWaiting, blobsFinished: finished, blobsUnderWay: jobs, blobBytes: receivedBytes },
    ...{ jobsGiven: updates.jobs, jobsPending: updates.pending, versionReports: updates.reports },
    ...{ versionReportsRefused: updates.reportsRefused, updateEnds: updates.ends },
    ...{ forwarded: bridge.forwarder?.sent ?? 0, liveReaders: bridge.live.readers },
    ...{ trustInForce: trust.figures.inForce, trustLeftS: trust.figures.leftS },
    ...{ requests: api.figures.requests, refusedMessages, refusedRequests: api.figures.refused },
  };
}
