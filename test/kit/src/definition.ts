import assert from "node:assert/strict";
import { test } from "node:test";
import { SEAM_VERSION } from "@etcd-adapter/core/storage";
import type { Subject } from "./scene.js";

/** The plugin's definition itself; needs no backend but for one place. */
export function definitionTests<Options>({ plugin, backend }: Subject<Options>): void {
  test("the plugin is defined for this version of the seam", () => {
    assert.equal(plugin.seam, SEAM_VERSION);
    assert.ok(plugin.kind === "log" || plugin.kind === "query");
    assert.match(plugin.name, /^[a-z][a-z0-9-]*$/);
    assert.ok(plugin.description.length > 0);
    for (const scheme of plugin.schemes)
      assert.match(scheme, /^[a-z][a-z0-9+.-]*$/, "a scheme, without its colon");
  });

  test("an option that does not exist is refused", async () => {
    const place = await backend();
    const given = "url" in place ? plugin.fromUrl(place.url) : place.options;
    const unknown = { ...(given as object), "no-such-option": 1 };
    assert.equal(plugin.options.safeParse(given).success, true);
    assert.equal(plugin.options.safeParse(unknown).success, false);
    await place.remove?.();
  });
}
