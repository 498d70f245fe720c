import type { CallContext } from "../api/service.js";
import { EtcdError } from "../errors.js";
import type { Store } from "../mvcc/store.js";
import type { Auth } from "./auth.js";

export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** Exchanges a name and password for a token. */
export async function authenticate(
  auth: Auth,
  store: Store,
  { name, password }: Credentials,
  context: CallContext,
): Promise<string> {
  await store.linearize();
  for (;;) {
    const rights = enabled(auth);
    const user = rights.user(name)?.user;
    if (!user) throw new EtcdError("authFailed");
    if (user.noPassword) throw new EtcdError("noPasswordUser");
    if (!(await auth.passwords.matches(password, user.password, context.signal))) {
      throw new EtcdError("authFailed");
    }
    // Comparing takes long enough for the password to be changed meanwhile.
    const now = enabled(auth);
    if (now.user(name)?.user.passwordRevision === user.passwordRevision) return auth.tokens.issue(user, now);
  }
}

function enabled({ rights }: Auth) {
  if (!rights) throw new EtcdError("authNotEnabled");
  return rights;
}
