import type { LineEdge } from './lines.ts';

/** Who follows one input. */
export type Watchers = Set<(edge: LineEdge) => void>;

/** Adds one and returns the way to stop. A callback that is given twice is two watchers, each with its own end. */
export function addWatcher(watchers: Watchers, onEdge: (edge: LineEdge) => void): () => void {
  const watcher = (edge: LineEdge) => onEdge(edge);
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
  };
}
