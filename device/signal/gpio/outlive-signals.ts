const outlived = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGABRT', 'SIGQUIT'] as const;

/**
 * Takes the signals that would end this process. Its handlers do nothing, and in a process that stands in a system call all the time
 * they are not even called; that they are there keeps the kernel from ending it.
 */
export function outliveSignals(): void {
  for (const signal of outlived) process.on(signal, () => undefined);
}
