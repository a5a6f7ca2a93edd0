import { readFileSync } from "node:fs";

/** Clock ticks per second of /proc; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time that a process has used so far, in milliseconds; undefined where there is no /proc. */
export function cpuOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything; the fields after it are numbers: utime and stime are the 12th and 13th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/** Measures the CPU use of processes between now and the call of what it returns, in per cent of one core. */
export function startCpuMeter(pids: Readonly<Record<string, number>>): () => Record<string, string> {
  const startedAt = performance.now();
  const before = Object.entries(pids).map(([name, pid]) => [name, pid, cpuOf(pid)] as const);
  return () => {
    const elapsed = performance.now() - startedAt;
    return Object.fromEntries(
      before.map(([name, pid, used]) => {
        const now = cpuOf(pid);
        const share = now === undefined || used === undefined ? undefined : (100 * (now - used)) / elapsed;
        return [name, share === undefined ? "no /proc" : `${share.toFixed(1)} %`];
      }),
    );
  };
}
