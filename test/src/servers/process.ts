import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { removeAllFolders, removeFolder } from "./folders.js";
import { allGone, processTree, signalAll } from "./process-tree.js";
import { type ServerCommand, spawnServer } from "./spawn.js";
import { messageOf, waitUntil } from "./wait.js";

const stopTimeoutMs = 20_000;
const running = new Set<ServerProcess>();

// The exit event covers a normal end and an uncaught error; for a signal there is setpriv in spawn.ts.
process.once("exit", () => {
  for (const server of running) server.killNow();
  removeAllFolders();
});

/** One real server: it has the same ports and the same data after each restart. */
export class ServerProcess {
  readonly folder: string;
  readonly logFile: string;
  readonly #command: ServerCommand;
  #child: ChildProcess | undefined;
  #ended: string | undefined;

  private constructor(command: ServerCommand) {
    this.#command = command;
    this.folder = command.folder;
    this.logFile = join(command.folder, "server.log");
  }

  static async start(command: ServerCommand): Promise<ServerProcess> {
    const server = new ServerProcess(command);
    await server.#launch();
    return server;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#ended === undefined;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.isRunning) throw new Error(`${this.#command.name} is not running`);
    return pid;
  }

  /** An orderly end, within 20 seconds or else by SIGKILL; the data stays until this process exits. */
  async stop(): Promise<void> {
    if (!this.isRunning) return this.#forget();
    this.resume();
    const tree = processTree(this.pid);
    signalAll([this.pid], this.#command.stopSignal ?? "SIGTERM");
    if (!(await allGone(tree, stopTimeoutMs))) signalAll(tree, "SIGKILL");
    await this.#end(tree);
  }

  /** A crash: the server and its children get no chance to write anything. */
  async kill9(): Promise<void> {
    if (this.isRunning) await this.#end(this.killNow());
    this.#forget();
  }

  /** Kills it and removes its data, for a test that starts many: an etcd's folder is 120 MB. */
  async discard(): Promise<void> {
    await this.kill9();
    removeFolder(this.folder);
  }

  /** The part of kill9 that an exit handler can do, which must not wait. */
  killNow(): number[] {
    if (!this.isRunning) return [];
    const tree = processTree(this.pid);
    signalAll(tree, "SIGKILL");
    return tree;
  }

  /** Stops it if it runs, starts it on the same ports and data, and waits until it answers. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#launch();
  }

  /** Freezes the server with its connections open, as a network partition or a long pause would. */
  pause(): void {
    // the parent first, so that it forks no child that we would miss
    signalAll([this.pid], "SIGSTOP");
    signalAll(processTree(this.pid), "SIGSTOP");
  }

  resume(): void {
    signalAll(processTree(this.pid), "SIGCONT");
  }

  /** Stops it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    removeFolder(this.folder);
  }

  logTail(lines = 20): string {
    try {
      return readFileSync(this.logFile, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
    } catch {
      return "";
    }
  }

  async #launch(): Promise<void> {
    const child = await spawnServer(this.#command, this.logFile);
    this.#ended = undefined;
    child.once("exit", (code, signal) => {
      this.#ended = `it ended with ${signal ?? `code ${code}`}`;
    });
    this.#child = child;
    running.add(this);
    // a server that a test forgets to stop must not keep the test process from ending
    child.unref();
    try {
      await waitUntil(this.#command.probe, {
        timeoutMs: this.#command.readyTimeoutMs ?? 60_000,
        inVain: () => this.#ended,
      });
    } catch (error) {
      await this.kill9();
      throw new Error(`${this.#command.name} did not start: ${messageOf(error)}\n${this.logTail()}`, {
        cause: error,
      });
    }
  }

  async #end(tree: readonly number[]): Promise<void> {
    await allGone(tree, stopTimeoutMs);
    // the kernel is done with it; node's exit event may still be on its way
    await waitUntil(
      () => {
        if (this.isRunning) throw new Error("no exit event");
      },
      { timeoutMs: stopTimeoutMs, intervalMs: 5 },
    );
    this.#forget();
  }

  #forget(): void {
    running.delete(this);
    this.#child = undefined;
  }
}
