import { parseArgs } from "node:util";
import { didYouMean, quote } from "./faults.ts";
import { CONFIG_TABLE } from "./table.ts";

/** What the command line says: settings by key, or a question. */
export interface Flags {
  readonly values: ReadonlyMap<string, string>;
  readonly configFile?: string;
  readonly help: boolean;
  readonly version: boolean;
  readonly faults: readonly string[];
}

const keyOfFlag = new Map(CONFIG_TABLE.flatMap(({ flag, key }) => (flag === undefined ? [] : [[flag, key]])));
/** Flags whose value may be left out, which then is true. */
const SWITCHES = new Set(["help", "version", "monitor-only"]);
const SHORT: Readonly<Record<string, string | undefined>> = { "-h": "--help", "-v": "--version" };
const KNOWN = [...keyOfFlag.keys(), "config", "help", "version"];

interface OptionToken {
  readonly name: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

/** What is wrong with one option as `given` on the command line, if anything. */
function optionFault(given: string, { name, value, inlineValue }: OptionToken): string | undefined {
  if (!given.startsWith("--") || !KNOWN.includes(name)) return unknownFlag(given.split("=", 1)[0] ?? "");
  if (value === undefined) return SWITCHES.has(name) ? undefined : `--${name}: expected a value`;
  // parseArgs takes the next word whatever it is.
  const tookFlag = value.startsWith("-") && !inlineValue;
  return tookFlag ? `--${name}: expected a value, got the flag ${quote(value)}` : undefined;
}

/** Reads the arguments after the script's name; never throws, all faults come back together. */
export function readFlags(argv: readonly string[]): Flags {
  const given = new Map<string, string>();
  const faults = new Map<number, string>();
  const { tokens } = parseArgs({
    args: argv.map((word) => SHORT[word] ?? word),
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      KNOWN.map((name) => [name, { type: SWITCHES.has(name) ? ("boolean" as const) : ("string" as const) }]),
    ),
  });
  for (const token of tokens) {
    if (token.kind === "option") {
      const word = argv[token.index] ?? "";
      const fault = optionFault(SHORT[word] ?? word, token);
      if (fault === undefined) given.set(token.name, token.value ?? "true");
      else faults.set(token.index, fault);
      // The word after a flag that is not ours was meant as its value: one fault is enough.
    } else if (token.kind === "positional" && !faults.has(token.index - 1))
      faults.set(token.index, `unexpected argument ${quote(token.value)}`);
  }
  const configFile = given.get("config");
  return {
    values: new Map(
      [...given].flatMap(([flag, value]) => {
        const key = keyOfFlag.get(flag);
        return key === undefined ? [] : [[key, value]];
      }),
    ),
    ...(configFile !== undefined && { configFile }),
    help: given.has("help"),
    version: given.has("version"),
    faults: [...faults.values()],
  };
}

function unknownFlag(given: string): string {
  const suggestion = didYouMean(given.replace(/^-+/u, ""), KNOWN).replace("mean ", "mean --");
  return `${given}: unknown flag${suggestion || "; --help lists all"}`;
}
