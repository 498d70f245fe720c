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

/** A life's resident megabytes: at a tenth of it, half of it, and on average over its second and last quarter. */
export interface MemoryCourse {
  readonly incarnation: string;
  readonly seconds: number;
  readonly early: number;
  readonly middle: number;
  readonly late: number;
  readonly most: number;
  readonly secondQuarter: number;
  readonly lastQuarter: number;
}

export function courseOf({ incarnation, samples }: MemoryLife): MemoryCourse {
  const at = (part: number) => Math.round(samples[Math.floor((samples.length - 1) * part)]! / 1e6);
  const mean = (from: number, to: number) => {
    const part = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to));
    return Math.round(part.reduce((sum, bytes) => sum + bytes, 0) / part.length / 1e6);
  };
  return {
    ...{ incarnation, seconds: samples.length, early: at(0.1), middle: at(0.5), late: at(1) },
    most: Math.round(samples.reduce((a, b) => Math.max(a, b), 0) / 1e6),
    secondQuarter: mean(0.25, 0.5),
    lastQuarter: mean(0.75, 1),
  };
}
