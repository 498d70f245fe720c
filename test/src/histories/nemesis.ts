import { setTimeout as sleep } from "node:timers/promises";
import type { SmallDisk } from "../servers/small-disk.js";
import type { Victim } from "./backends.js";
import type { Member } from "./fleet.js";
import type { Random } from "./random.js";

type Fault = (member: Member) => Promise<void>;

/** What may be harmed; `pauses` are the harm to adapters that a storage in their memory outlives. */
export const TARGETS = ["adapters", "pauses", "network", "backend", "clocks", "disk"] as const;
export type Target = (typeof TARGETS)[number];

export interface Harm {
  readonly targets: readonly Target[];
  /** The first adapter is never ended, so that its memory can be followed. */
  readonly spareFirst: boolean;
  /** From the end of one fault to the next, at least and at most. */
  readonly restMs: readonly [number, number];
  /** The disk to fill up. */
  readonly disk?: SmallDisk | undefined;
}

/** Harms adapters, connections and the backend, and repairs what it harmed. */
export class Nemesis {
  readonly done: string[] = [];
  /** How often each kind of fault came. */
  readonly counts = new Map<string, number>();
  private readonly began = performance.now();

  constructor(
    private readonly members: readonly Member[],
    private readonly victim: Victim,
    private readonly random: Random,
    private readonly harm: Harm,
  ) {}

  /** An adapter suffers at the same time as the network or the backend; each fault comes before any comes again. */
  async run(stopped: AbortSignal): Promise<void> {
    const only = (target: Target, faults: readonly Fault[]) =>
      this.harm.targets.includes(target) ? faults : [];
    const pauses = [this.freeze, this.freezeLong];
    const adapters = [
      ...only("adapters", [this.kill, this.kill, this.restart, ...pauses]),
      ...only("pauses", pauses),
      ...only("clocks", [this.setClock]),
    ];
    const network = only("network", [this.cut, this.stall, this.deafen, this.delay, this.cutAll]);
    const backend = only("backend", [this.crashBackend, this.freezeBackend, this.restartBackend]);
    const disk = only("disk", [this.fillDisk]);
    await Promise.all([this.loop(adapters, stopped), this.loop([...network, ...backend, ...disk], stopped)]);
    for (const { clock } of this.members) clock?.set(0);
  }

  private async loop(faults: readonly Fault[], stopped: AbortSignal): Promise<void> {
    while (faults.length > 0) {
      for (const fault of this.random.shuffle(faults)) {
        if (stopped.aborted) return;
        const ended = this.members.find(({ down, process }) => !down && !process.isRunning);
        if (ended) throw new Error(`adapter ${ended.index} has ended by itself:\n${ended.process.logTail()}`);
        const up = this.members.filter(({ down }) => !down);
        if (up.length > 0) await fault.call(this, this.random.pick(up));
        await this.calm(...this.harm.restMs);
      }
    }
  }

  private kill(member: Member): Promise<void> {
    return this.gone(member, "kill -9", () => member.crash());
  }

  private restart(member: Member): Promise<void> {
    return this.gone(member, "restart", () => member.end());
  }

  private async gone(member: Member, kind: string, end: () => Promise<void>): Promise<void> {
    if (this.harm.spareFirst && member.index === 0) return;
    this.note(kind, `of adapter ${member.index}`);
    await end();
    await this.calm(50, 800);
    await member.revive();
    this.tell(`adapter ${member.index} is back`);
  }

  /** Minutes ahead, behind, or right again. */
  private async setClock({ index, clock }: Member): Promise<void> {
    if (!clock) return;
    const offsetSeconds = this.random.pick([-900, -120, 0, 120, 900]);
    this.note("wall clock set wrong", `of adapter ${index}: by ${offsetSeconds} s`);
    clock.set(offsetSeconds);
  }

  private freeze(member: Member): Promise<void> {
    return this.frozen(member, this.random.between(200, 1_500));
  }

  /** Longer than the leases' TTL. */
  private freezeLong(member: Member): Promise<void> {
    return this.frozen(member, this.random.between(2_500, 4_500));
  }

  private async frozen(member: Member, ms: number): Promise<void> {
    this.note("SIGSTOP", `of adapter ${member.index} for ${ms.toFixed()} ms`);
    member.process.pause();
    await sleep(ms);
    member.process.resume();
  }

  private async cut(member: Member): Promise<void> {
    this.note("connections cut", `of adapter ${member.index}`);
    for (const proxy of member.proxies) proxy.cut();
    await this.calm(50, 1_500);
    for (const proxy of member.proxies) proxy.heal();
  }

  private async cutAll(): Promise<void> {
    this.note("all connections cut");
    const proxies = this.members.flatMap((member) => member.proxies);
    for (const proxy of proxies) proxy.cut();
    await this.calm(10, 300);
    for (const proxy of proxies) proxy.heal();
  }

  private async stall(member: Member): Promise<void> {
    this.note("connections stalled", `of adapter ${member.index}`);
    for (const proxy of member.proxies) proxy.stall();
    await this.calm(200, 2_500);
    for (const proxy of member.proxies) proxy.heal();
  }

  private async deafen(member: Member): Promise<void> {
    this.note("answers lost", `to adapter ${member.index}`);
    for (const proxy of member.proxies) proxy.deafen();
    await this.calm(50, 1_000);
    for (const proxy of member.proxies) proxy.heal();
  }

  private async delay(member: Member): Promise<void> {
    this.note("connections delayed", `of adapter ${member.index}`);
    for (const proxy of member.proxies) proxy.delay(this.random.between(5, 120));
    await this.calm(500, 2_000);
    for (const proxy of member.proxies) proxy.heal();
  }

  private async crashBackend(): Promise<void> {
    const server = await this.victim.worst();
    this.note("crash of the backend or its leader");
    await this.victim.crash(server);
    await this.calm(50, 500);
    await server.restart();
    this.tell("the backend's server is back");
  }

  private async restartBackend(): Promise<void> {
    const server = await this.victim.worst();
    this.note("restart of the backend or its leader");
    await server.restart();
    this.tell("the backend's server is back");
  }

  /** A server that does not bear it is started again when there is room. */
  private async fillDisk(): Promise<void> {
    const { disk } = this.harm;
    if (!disk) return;
    this.note("disk full");
    disk.fill();
    await this.calm(1_000, 4_000);
    disk.free();
    this.tell("the disk has room again");
    for (const server of this.victim.servers)
      if (!server.isRunning) {
        this.tell("the backend's server had ended");
        await server.restart();
      }
  }

  private async freezeBackend(): Promise<void> {
    const server = await this.victim.worst();
    this.note("SIGSTOP of the backend or its leader");
    server.pause();
    await this.calm(200, 2_000);
    server.resume();
  }

  private calm(lowMs: number, highMs: number): Promise<void> {
    return sleep(this.random.between(lowMs, highMs));
  }

  private note(kind: string, details = ""): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.tell(`${kind} ${details}`);
  }

  private tell(what: string): void {
    this.done.push(`${((performance.now() - this.began) / 1_000).toFixed(1)} s ${what}`);
  }
}
