export { judge, type Judged, type Rules, type StoredState } from "@node-agent/shared/core/judge.ts";
