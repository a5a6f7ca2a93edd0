import { runRole } from "@node-agent/shared/runtime/role.ts";
import { startWatcher } from "./start.ts";

await runRole("watcher", startWatcher);
