/** A whole API over a store, called as a transport would. */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { pino } from "pino";
import { Alarms } from "../alarms/alarms.js";
import { SizeMeter } from "../alarms/size-meter.js";
import { Auth, DEFAULT_AUTH_OPTIONS } from "../auth/auth.js";
import { Members } from "../cluster/members.js";
import { Metrics } from "../metrics/metrics.js";
import type { Store } from "../mvcc/store.js";
import { DEFAULT_API_LIMITS } from "./api.js";
import { Headers } from "./header.js";
import type { MaintenanceApi } from "./maintenance.js";
import type { CallContext, Service } from "./service.js";
import { allServices } from "./services.js";

export interface TestApi extends MaintenanceApi {
  readonly metrics: Metrics;
  readonly services: readonly Service[];
  close(): Promise<void>;
}

export async function openApi(store: Store, name = "test"): Promise<TestApi> {
  const logger = pino({ level: "silent" });
  const members = await Members.join(store, { name, clientUrls: [`http://${name}:2379`] }, logger);
  const auth = new Auth(store, DEFAULT_AUTH_OPTIONS, logger);
  const metrics = new Metrics();
  const api: MaintenanceApi = {
    store,
    members,
    auth,
    headers: new Headers(members.identity),
    alarms: new Alarms(store),
    meter: new SizeMeter(store.storage),
    quotaBytes: 0,
    limits: DEFAULT_API_LIMITS,
  };
  metrics.observe(api);
  const close = async (): Promise<void> => {
    await auth.close();
    await members.close();
    await store.close();
  };
  return { ...api, metrics, services: allServices(api, undefined, metrics.calls), close };
}

export function callContext(signal: AbortSignal = new AbortController().signal): CallContext {
  return { metadata: () => undefined, signal, peer: { address: "127.0.0.1:1" }, transport: "embedded" };
}

/** Calls the unary method that takes such a request. */
export async function callUnary<I extends DescMessage, O extends DescMessage>(
  api: TestApi,
  input: I,
  output: O,
  request: MessageInitShape<I>,
  context = callContext(),
): Promise<MessageShape<O>> {
  for (const { methods } of api.services) {
    for (const method of methods) {
      if (method.kind !== "unary" || method.method.input.typeName !== input.typeName) continue;
      const response = await method.handle(create(input, request), context);
      return Buffer.isBuffer(response) ? fromBinary(output, response) : (response as MessageShape<O>);
    }
  }
  throw new Error(`no method takes a ${input.typeName}`);
}
