import type { Store } from "../mvcc/store.js";
import { ALARMS_ENTRY, type Alarm, decodeAlarms, encodeAlarms } from "./alarm-entry.js";

/** 0 stands for every type in a query, and for none in a command. */
const ANY = 0;

/** Alarms of all adapters of one backend. */
export class Alarms {
  constructor(private readonly store: Store) {}

  /** As this adapter knows them: right for health checks, which must not wait for the backend. */
  get known(): readonly Alarm[] {
    return decodeAlarms(this.store.follower.registry.get(ALARMS_ENTRY));
  }

  /** Those of a type, by type and then in the order in which they were raised. */
  async list(type: number): Promise<Alarm[]> {
    await this.store.linearize();
    const alarms = this.known.filter((alarm) => type === ANY || alarm.type === type);
    return alarms.sort((a, b) => a.type - b.type);
  }

  /** The alarm, raised just now or already; undefined when the type is none. */
  activate(alarm: Alarm): Promise<Alarm | undefined> {
    return this.change(alarm, (raised) =>
      raised.some((other) => isSame(other, alarm)) ? raised : [...raised, alarm],
    );
  }

  /** The alarm that was cleared; undefined when it was not raised. */
  async deactivate(alarm: Alarm): Promise<Alarm | undefined> {
    let cleared = false;
    await this.change(alarm, (raised) => {
      const rest = raised.filter((other) => !isSame(other, alarm));
      cleared = rest.length < raised.length;
      return rest;
    });
    return cleared ? alarm : undefined;
  }

  private async change(alarm: Alarm, make: (raised: Alarm[]) => Alarm[]): Promise<Alarm | undefined> {
    if (alarm.type === ANY) return undefined;
    await this.store.committer.propose({
      keys: [],
      bytes: 64,
      evaluate: (draft) => {
        const raised = decodeAlarms(draft.registryGet(ALARMS_ENTRY));
        const changed = make(raised);
        if (changed.length !== raised.length) draft.registryPut(ALARMS_ENTRY, encodeAlarms(changed));
      },
    });
    return alarm;
  }
}

function isSame(a: Alarm, b: Alarm): boolean {
  return a.memberId === b.memberId && a.type === b.type;
}
