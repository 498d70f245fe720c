import type { CallContext, Peer } from "../api/service.js";
import { EtcdError } from "../errors.js";
import { Access, type Identity } from "./access.js";
import type { Auth } from "./auth.js";
import type { Rights } from "./rights.js";
import type { TokenProvider } from "./tokens.js";

const BEARER = "Bearer ";
const NAME_THROUGH_GATEWAY =
  "CommonName of client sending a request against gateway will be ignored and not used as expected\n";

/** What a call shows about who makes it, turned into an identity whenever one is needed. */
export class Caller {
  constructor(
    private readonly context: CallContext,
    private readonly tokens: TokenProvider,
  ) {}

  /** Has to be awaited before `access` while access control is on. */
  prepare(): Promise<void> | undefined {
    const token = this.token;
    return token === undefined ? undefined : this.tokens.prepare(token);
  }

  access(rights: Rights): Access {
    return new Access(rights, this.identify(rights));
  }

  private identify(rights: Rights): Identity | undefined {
    const { peer } = this.context;
    const token = this.token;
    if (token !== undefined) {
      const identity = this.tokens.identify(token, rights);
      if (!identity) throw new EtcdError("invalidAuthToken");
      return identity;
    }
    if (peer.certificateName === undefined) return undefined;
    return { name: peer.certificateName, revision: rights.state.revision };
  }

  private get token(): string | undefined {
    const value = this.context.metadata("token") ?? this.context.metadata("authorization");
    return value?.startsWith(BEARER) ? value.slice(BEARER.length) : value;
  }
}

/**
 * What the gateway tells a client while access control is on; undefined for those that it serves. In etcd the
 * gateway's own certificate would stand for its client's, so a client whose certificate names it is sent away.
 */
export function refusedByGateway(auth: Pick<Auth, "rights">, peer: Peer): string | undefined {
  return auth.rights && peer.certificateName ? NAME_THROUGH_GATEWAY : undefined;
}
