import { residentBytes } from "../protocol/resident.js";
import type { Member } from "./fleet.js";

/** The resident memory of an adapter between its start and its end, once a second. */
export interface MemoryLife {
  readonly incarnation: string;
  readonly samples: number[];
}

export class MemoryWatch {
  private readonly known = new Map<string, MemoryLife>();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly members: readonly Member[]) {
    this.timer = setInterval(() => this.look(), 1_000);
  }

  get lives(): readonly MemoryLife[] {
    return [...this.known.values()];
  }

  /** What the adapters hold now. */
  get current(): readonly { readonly incarnation: string; readonly megabytes: number }[] {
    const running = this.members.flatMap(({ incarnation }) => this.known.get(incarnation) ?? []);
    return running.map(({ incarnation, samples }) => ({ incarnation, megabytes: megabytes(samples.at(-1)) }));
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    for (const { incarnation, process, down } of this.members) {
      if (down || !process.isRunning) continue;
      const life = this.known.get(incarnation) ?? { incarnation, samples: [] };
      this.known.set(incarnation, life);
      try {
        life.samples.push(residentBytes(process.pid));
      } catch {
        // It ended at this moment.
      }
    }
  }
}

/** A life's resident megabytes: at its start and each tenth of it, and on average over its second and last quarter. */
export interface MemoryCourse {
  readonly incarnation: string;
  readonly seconds: number;
  readonly curve: readonly number[];
  readonly most: number;
  readonly secondQuarter: number;
  readonly lastQuarter: number;
}

export function courseOf({ incarnation, samples }: MemoryLife): MemoryCourse {
  const tenth = (index: number) => megabytes(samples[Math.floor(((samples.length - 1) * index) / 10)]);
  const mean = (from: number, to: number) => {
    const part = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to));
    return megabytes(part.reduce((sum, bytes) => sum + bytes, 0) / part.length);
  };
  return {
    ...{ incarnation, seconds: samples.length },
    curve: Array.from({ length: 11 }, (_, index) => tenth(index)),
    most: megabytes(samples.reduce((a, b) => Math.max(a, b), 0)),
    secondQuarter: mean(0.25, 0.5),
    lastQuarter: mean(0.75, 1),
  };
}

function megabytes(bytes = 0): number {
  return Math.round(bytes / 1e6);
}
