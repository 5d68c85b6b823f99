/**
 * What both services have of systemd.exec(5). Not among it, each for a reason:
 *
 * - `MemoryDenyWriteExecute`: V8 compiles at run time and maps what it writes as executable;
 * - `ProcSubset=pid`: it hides `/proc/meminfo` and `/proc/stat`, of which the figures of the machine are made;
 * - `ProtectClock`: it forbids even reading how well the clock is disciplined (adjtimex). Without CAP_SYS_TIME nobody sets it anyway.
 */
export const hardening: readonly string[] = [
  'NoNewPrivileges=yes',
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'PrivateTmp=yes',
  'PrivateMounts=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectProc=invisible',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'RemoveIPC=yes',
  'KeyringMode=private',
  'UMask=0077',
  'SystemCallArchitectures=native',
  'SystemCallErrorNumber=EPERM',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources @obsolete',
  '# Asked for by name: how well the clock is disciplined, and that plates are read after frames are judged where cores are short.',
  'SystemCallFilter=adjtimex clock_adjtime setpriority',
];

/** A core dump would hold plates and keys in clear. */
export const bounds: readonly string[] = ['LimitCORE=0', 'LimitNOFILE=65536', 'TasksMax=512', 'MemorySwapMax=0'];
