export { type CivoInstance } from "./answer.ts";
export { type CivoClient, type CivoClientOptions, type CivoDeadlines, createCivoClient } from "./client.ts";
export { createCivoExecutor } from "./civo-executor.ts";
export { type CivoFault, type CivoFaultClass, type CivoResult } from "./fault.ts";
export { CivoConfigError, type CivoUrlOptions, parseCivoUrl } from "./settings.ts";
