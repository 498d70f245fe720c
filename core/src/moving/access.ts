const AUTH_PREFIX = "auth/";

/** Users, roles and whether access is controlled, of all that a registry holds. */
export function accessEntries(registry: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  return new Map([...registry].filter(([key]) => key.startsWith(AUTH_PREFIX)));
}
