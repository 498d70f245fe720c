import { type Logger, pino } from "pino";
import { type Adapter, startAdapter } from "../adapter.js";
import { loadConfig } from "../config/config.js";
import { ConfigError } from "../config/config-error.js";
import { ListenError } from "../listener/listener.js";
import { MovingError } from "../moving/moving-error.js";
import { ContractError } from "../storage/contract.js";
import { StorageError } from "../storage/errors.js";
import { ADAPTER_VERSION, ETCD_VERSION } from "../version.js";
import { copyCommand } from "./copy.js";
import { helpText } from "./help.js";
import { logOutput } from "./log-output.js";
import { pluginsText } from "./plugins.js";
import { snapshotCommand } from "./snapshot.js";

/** Wrong options, a busy port, a storage that can't be used: what a person has to put right. */
const EXIT_MISCONFIGURED = 2;

/** What the command line asks for: the server, or a text. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await obey(args);
  } catch (error) {
    if (!isForTheUser(error)) throw error;
    process.stderr.write(`etcd-adapter: ${sentenceOf(error)}\n`);
    process.exitCode = EXIT_MISCONFIGURED;
  }
}

async function obey(args: readonly string[]): Promise<void> {
  const [command] = args;
  if (command === "copy") return print(await copyCommand(args.slice(1)));
  if (command === "snapshot") return print(await snapshotCommand(args.slice(1)));
  if (args.includes("--help") || args.includes("-h") || command === "help") return print(helpText());
  if (command === "--version" || command === "version") {
    return print(`etcd-adapter Version: ${ADAPTER_VERSION}\netcd API Version: ${ETCD_VERSION}\n`);
  }
  if (command === "plugins") return print(pluginsText());
  await serve(args);
}

function print(text: string): void {
  process.stdout.write(text);
}

async function serve(args: readonly string[]): Promise<void> {
  const { config, warnings } = loadConfig(args, process.env);
  const logger = pino({ level: config["log-level"], base: null }, logOutput);
  for (const warning of warnings) logger.warn(warning);
  const adapter = await startAdapter(config, logger);
  logger.info({ addresses: adapter.addresses }, "ready to serve client requests");
  stopOnSignals(adapter, logger);
}

function isForTheUser(error: unknown): error is Error {
  if (error instanceof ContractError) return true;
  if (error instanceof StorageError) return error.code !== "internal";
  return error instanceof ConfigError || error instanceof ListenError || error instanceof MovingError;
}

/** What the operating system says of an address at which nothing answers. */
const NO_ANSWER = /\b(ECONNREFUSED|ECONNRESET|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ETIMEDOUT)\b/;

function sentenceOf(error: Error): string {
  const { message } = error;
  if (!(error instanceof StorageError && error.code === "unavailable" && NO_ANSWER.test(message)))
    return message;
  return `the storage does not answer: start it, or correct its address (${message})`;
}

/** The first signal lets clients end; a second one does not wait for them. */
function stopOnSignals(adapter: Adapter, logger: Logger): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, "stopping");
    adapter.close().then(
      () => process.exit(0),
      (error) => {
        logger.error({ err: error }, "did not stop cleanly");
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
