export { judge, type Judged, type Rules } from "@node-agent/shared/core/judge.ts";
