/** A Redis of one run. */
export interface RunningRedis {
  readonly url: string;
  /** Process id of the server; undefined when it is not ours (REDIS_URL). */
  readonly pid: number | undefined;
  /** Where its data lives; undefined when it is not ours. */
  readonly dir: string | undefined;
  /** Stops our server and waits for its end; does nothing to a server that is not ours. */
  stop(): Promise<void>;
}

/** Options of `startRedis`. */
export interface RedisOptions {
  /** Keeps the data here; without it the data is temporary. */
  readonly dir?: string;
  /** A fixed port, to restart a server at its old address; without it a free one. */
  readonly port?: number;
  /** Default true. */
  readonly appendonly?: boolean;
}

/** The Redis of REDIS_URL, else a private one, installed if need be. Throws `SetupError`. */
export function ensureRedis(): Promise<RunningRedis>;

/** A private Redis on 127.0.0.1 that ends with this process, however that ends. Throws `SetupError`. */
export function startRedis(options?: RedisOptions): Promise<RunningRedis>;
