import { setTimeout as pause } from "node:timers/promises";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { temporaryFolder } from "../servers/folders.js";
import { type EtcdServer, startEtcd } from "../servers/index.js";
import { type Comparable, comparable } from "./comparable.js";
import { bareEtcdctl, etcdctl, etcdctlLine, type Run, untilEnded } from "./run.js";
import type { Format, Scenario, Step } from "./step.js";

type Server = EtcdServer | AdapterProcess;

/** One side of the comparison: a server, perhaps a second one, and what the steps so far have kept. */
export class Place {
  private readonly names = new Map<string, string>();

  private constructor(
    private readonly server: Server,
    private readonly destination: Server | undefined,
  ) {}

  static async start(
    start: (flags: readonly string[]) => Promise<Server>,
    scenario: Scenario,
  ): Promise<Place> {
    const server = await start(scenario.flags ?? []);
    const destination = scenario.needsDestination ? await start([]) : undefined;
    const place = new Place(server, destination);
    const status = await etcdctlLine(server.url, ["endpoint", "status", "--write-out=json"]);
    const member = BigInt(/"member_id":(\d+)/.exec(status)![1]!).toString(16);
    const known = {
      url: server.url,
      host: new URL(server.url).host,
      member,
      folder: temporaryFolder("etcdctl"),
    };
    for (const [name, value] of Object.entries(known)) place.names.set(name, value);
    // Adapters have no peers: the member list names their client URLs in this place too.
    place.names.set("peer", "peerUrl" in server ? server.peerUrl : server.url);
    if (destination) place.names.set("destination", new URL(destination.url).host);
    return place;
  }

  static etcd(scenario: Scenario): Promise<Place> {
    return Place.start((args) => startEtcd({ args }), scenario);
  }

  static adapter(scenario: Scenario, fresh: () => Promise<string>): Promise<Place> {
    return Place.start(async (args) => startAdapterProcess(await fresh(), { args }), scenario);
  }

  async end(): Promise<void> {
    await Promise.all([this.server.discard(), this.destination?.discard()]);
  }

  async play(command: string, step: Step, format: Format): Promise<Comparable> {
    if (step.before) await this.request(step.before);
    const args = this.words(step.run);
    if (format !== "as is") args.push(`--write-out=${format}`);
    const run = await (step.until ? this.untilShown(args, step) : this.once(args, step));
    for (const [name, pattern] of Object.entries(step.keep ?? {})) {
      const [, value] = pattern.exec(run.output) ?? [];
      if (value === undefined) throw new Error(`${step.run}: no ${pattern} in ${run.output}`);
      this.names.set(name, value);
    }
    return comparable(run, { command, step, format, names: this.names });
  }

  private once(args: readonly string[], step: Step): Promise<Run> {
    const options = { ...this.optionsOf(step), timeoutMs: 60_000 };
    if (step.bare) return bareEtcdctl(args, options);
    return etcdctl(step.atDestination ? this.destination!.url : this.server.url, args, options);
  }

  private async untilShown(args: readonly string[], step: Step): Promise<Run> {
    const running = untilEnded(this.server.url, args, this.optionsOf(step));
    for (const [shown, ...commands] of step.until!) {
      const giveUpAt = performance.now() + 20_000;
      while (!shown.test(await this.shown(running.output(), step))) {
        if (performance.now() > giveUpAt) {
          const { output } = await running.end();
          throw new Error(`${step.run}: no ${shown} in ${JSON.stringify(output)}`);
        }
        await pause(20);
      }
      for (const command of commands) {
        if (command.startsWith("< ")) running.write(`${command.slice(2)}\n`);
        else await etcdctlLine(this.server.url, this.words(command));
      }
    }
    return running.end();
  }

  private async shown(output: string, step: Step): Promise<string> {
    if (!step.shownAtDestination) return output;
    return (await etcdctl(this.destination!.url, ["get", "", "--prefix"])).output;
  }

  private optionsOf({ input, env }: Step) {
    const values = Object.entries(env ?? {}).map(([name, value]) => [name, this.filled(value)]);
    return {
      ...(input !== undefined && { input: this.filled(input) }),
      env: Object.fromEntries(values) as Record<string, string>,
    };
  }

  private words(command: string): string[] {
    return [...command.matchAll(/'([^']*)'|(\S+)/g)].map((match) => this.filled(match[1] ?? match[2]!));
  }

  private filled(text: string): string {
    return text.replace(/\$([a-z]+)\b/g, (whole, name: string) => this.names.get(name) ?? whole);
  }

  private async request({ path, body }: NonNullable<Step["before"]>): Promise<void> {
    const answer = await fetch(this.server.url + path, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  }
}
