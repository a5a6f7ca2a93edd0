/**
 * The configuration of `npm start` on the simulated cluster: a minute becomes a second. Everything else is the code and
 * the defaults of production.
 */
export const SCALED_CONFIG = `# Written by npm start: the defaults with every minute turned into a second.
monitorOnly: false
checkers:
  NodeReady:    { enabled: true, threshold: 5s }
  GPU:          { enabled: true, threshold: 10s }
  DiskPressure: { enabled: true, threshold: 30s }
  Cilium:       { enabled: true, threshold: 10s }
rebootWait:  { standard: 10s, gpu: 40s }
maxAttempts: 3
resyncInterval: 500ms
startupGrace: 10s
rebootRateLimit: { max: 10, per: 1s }
# A fleet of eight is small for the budgets of production, which allow one reboot at a time here.
storm:
  budgets: { cluster: 2, clusterPercent: 50, spacing: 500ms }
  burstWithin: 1s
  settle: 3s
  recoveredAfter: 1s
  curedAfter: 30s
ledger: { clockSkew: 3s, margin: 500ms }
metricsPort: 0
metricsHost: 127.0.0.1
perNodeMetrics: true
timings:
  beatInterval: 100ms
  viewMaxAge: 4s
  blindGrace: 2s
  sendDeadline: 2s
  cloudCallDeadline: 2s
  shortestPause: 50ms
  gateRecheck: 500ms
  retryPause: 1s
  lockDuration: 3s
  stalledInterval: 1s
  shutdownGrace: 16s
`;

/**
 * The configuration of `npm start -- --kubeconfig FILE`: the defaults of production, but never a call to a cloud nor a word
 * to the cluster. A kubeconfig of an administrator would let us write events.
 */
export const REAL_CONFIG = `# Written by npm start: a real cluster is only watched.
monitorOnly: true
events: false
metricsPort: 0
metricsHost: 127.0.0.1
timings:
  shutdownGrace: 16s
`;
