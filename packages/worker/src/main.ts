import { runRole } from "@node-agent/shared/runtime/role.ts";
import { startWorker } from "./start.ts";

await runRole("worker", startWorker);
