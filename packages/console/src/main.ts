import { runRole } from "@node-agent/shared/runtime/role.ts";
import { startConsole } from "./start.ts";

await runRole("console", startConsole);
