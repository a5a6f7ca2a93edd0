/**
 * @file Hostile input by the hundred thousand, in a process of its own so that its memory can be measured. Prints one
 * line of JSON per part; a part that throws ends the process. `node fuzz.ts <part> <seed> <cases>`.
 */
import { Random } from "../../../packages/simulator/src/world/random.ts";
import { cloudAnswers } from "./cloud-answers.ts";
import type { Fuzz } from "./hostile.ts";
import { ledgerBytes } from "./ledgers.ts";
import { hostileNodes } from "./nodes.ts";
import { queueValues } from "./queue-values.ts";
import { redisValues } from "./redis-values.ts";
import { apiUrls } from "./urls.ts";

const PARTS: Readonly<Record<string, Fuzz>> = {
  hostileNodes,
  cloudAnswers,
  apiUrls,
  ledgerBytes,
  redisValues,
  queueValues,
};

const [name = "", seed = "1", cases = "1000"] = process.argv.slice(2);
const part = PARTS[name];
if (part === undefined) throw new Error(`no part is called ${name}`);
const { wrong, told } = await part(new Random(Number(seed)), Number(cases));
const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(
  `${JSON.stringify({ name, seed, cases, told, megabytes, wrong: wrong.slice(0, 10) })}\n`,
);
