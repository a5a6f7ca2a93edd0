/** What a machine of a size has; numbers after Civo's price list, to look right rather than to be exact. */
export interface SizeFacts {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
}

const SIZES: Readonly<Record<string, SizeFacts>> = {
  "g4s.kube.small": { cpus: 1, memoryMiB: 2048, diskGiB: 40 },
  "g4s.kube.medium": { cpus: 2, memoryMiB: 4096, diskGiB: 50 },
  "g4s.kube.large": { cpus: 4, memoryMiB: 8192, diskGiB: 60 },
  "g4g.kube.small": { cpus: 12, memoryMiB: 131_072, diskGiB: 100 },
};

/** Facts of a size; a size nobody knows gets a machine in proportion to its GPUs. */
export function sizeFacts(size: string, gpus: number): SizeFacts {
  return (
    SIZES[size] ??
    (gpus > 0
      ? { cpus: 12 * gpus, memoryMiB: 131_072 * gpus, diskGiB: 200 * gpus }
      : { cpus: 4, memoryMiB: 8192, diskGiB: 60 })
  );
}
