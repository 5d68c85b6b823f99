/** A subscription as the broker understands it: the group of a shared one (MQTT 5, 4.8.2), and the levels that topics are held against. */
export interface TopicFilter {
  readonly group: string | undefined;
  readonly filter: string;
}

export function parseFilter(text: string): TopicFilter {
  const shared = /^\$share\/([^/+#]+)\/(.+)$/s.exec(text);
  return shared === null ? { group: undefined, filter: text } : { group: shared[1], filter: shared[2] ?? '' };
}

/** Whether a topic is one of a filter without its group: `+` is one level, `#` the rest (MQTT 5, 4.7). */
export function filterMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const levels = topic.split('/');
  const parts = filter.split('/');
  for (const [at, part] of parts.entries()) {
    if (part === '#') return true;
    if (at >= levels.length || (part !== '+' && part !== levels[at])) return false;
  }
  return levels.length === parts.length;
}
