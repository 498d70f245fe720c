import { readFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../servers/folders.js";
import { freePort, ServerProcess } from "../servers/index.js";

/** The program that users run. */
export const MAIN = fileURLToPath(new URL("../../../core/dist/cli/main.js", import.meta.url));

export type AdapterProcess = ServerProcess & {
  readonly port: number;
  /** HOST:PORT */
  readonly address: string;
  readonly url: string;
};

export interface AdapterOptions {
  /** More flags ("--max-txn-ops=8"). */
  readonly args?: readonly string[];
  /** Flags of node ("--cpu-prof"). */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Serves https and asks clients for certificates of `ca`; the start is watched with one of them. */
  readonly tls?: {
    readonly cert: string;
    readonly key: string;
    readonly ca: string;
    readonly probeWith: { readonly cert: string; readonly key: string };
  };
}

/** The adapter as users run it: a process of its own on a port of its own; `sqlite:` is a file in its own folder. */
export async function startAdapterProcess(
  storage: string,
  options: AdapterOptions = {},
): Promise<AdapterProcess> {
  const port = await freePort();
  const folder = temporaryFolder("adapter");
  const { tls } = options;
  const url = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  const server = await ServerProcess.start({
    name: "etcd-adapter",
    program: process.execPath,
    args: [
      ...(options.nodeArgs ?? []),
      MAIN,
      `--listen-client-urls=${url}`,
      `--storage=${storage}`,
      `--data-dir=${join(folder, "data")}`,
      ...(tls
        ? [
            `--cert-file=${tls.cert}`,
            `--key-file=${tls.key}`,
            `--trusted-ca-file=${tls.ca}`,
            "--client-cert-auth",
          ]
        : []),
      ...(options.args ?? []),
    ],
    ...(options.env && { env: options.env }),
    folder,
    probe: () => (tls ? probeTls(url, tls) : probe(url)),
  });
  return Object.assign(server, { port, address: `127.0.0.1:${port}`, url });
}

async function probe(url: string): Promise<void> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
  if (!answer.ok) throw new Error(await answer.text());
}

function probeTls(url: string, { ca, probeWith }: NonNullable<AdapterOptions["tls"]>): Promise<void> {
  const files = {
    ca: readFileSync(ca),
    cert: readFileSync(probeWith.cert),
    key: readFileSync(probeWith.key),
  };
  return new Promise((resolve, reject) => {
    const request = https.get(`${url}/health`, { ...files, timeout: 2_000 }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(new Error(`status ${response.statusCode}`));
    });
    request.on("error", reject);
  });
}
