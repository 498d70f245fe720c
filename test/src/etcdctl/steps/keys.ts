import { every, PLAIN, plain, type Scenario } from "../step.js";

const FILL = plain("put fill/1 b", "put fill/2 a", "put fill/3 c", "put fill/1 d");

export const keys: Scenario = {
  name: "put, get, del",
  steps: [
    ...every("put a 1", "put a 2 --prev-kv", "put new 1 --prev-kv", "put a 1 --hex --prev-kv"),
    { run: "put stdin", input: "what came in\nby two lines" },
    ...every("put a --ignore-value", "put missing --ignore-value", "put a 2 --ignore-lease"),
    ...every("put missing 2 --ignore-lease", "put leased 1 --lease=7b", "put '' 1"),
    ...plain(
      "put a 1 --ignore-value",
      "put",
      "put a 1 --lease=nonsense",
      "put a 1 2",
      "put 'ключ' 'значение'",
    ),
    ...FILL,
    ...every(
      "get a",
      "get missing",
      "get a --hex",
      "get fill/1 fill/3",
      "get fill/ --prefix",
      "get --from-key s",
    ),
    ...every("get '' --prefix --keys-only", "get '' --prefix --count-only", "get '' --prefix --limit=2"),
    ...every("get '' --from-key --limit=1", "get a --rev=2", "get a --consistency=s", "get a --rev=100000"),
    ...["CREATE", "KEY", "MODIFY", "VALUE", "VERSION"].flatMap((target) =>
      plain(
        `get fill/ --prefix --sort-by=${target} --order=DESCEND`,
        `get fill/ --prefix --sort-by=${target} --order=ASCEND`,
        `get fill/ --prefix --sort-by=${target}`,
      ),
    ),
    { run: "get fill/1 --write-out=json", formats: PLAIN, keep: { created: /"create_revision":(\d+)/ } },
    ...plain(
      "get '' --prefix --min-mod-rev=$created",
      "get '' --prefix --max-mod-rev=$created",
      "get '' --prefix --min-create-rev=$created",
      "get '' --prefix --max-create-rev=$created",
      "get fill/1 --rev=$created --print-value-only",
      "get '' --prefix --print-value-only",
      "get '' --prefix --keys-only --count-only",
      "get",
      "get a b c",
      "get '' --prefix --from-key",
      "get a --consistency=x",
      "get a --sort-by=x",
      "get a --order=x",
      "get a --write-out=nonsense",
      "get a --print-value-only --write-out=json",
    ),
    ...every("del missing", "del a", "del new --prev-kv"),
    ...plain("put d1 1", "put d2 2", "put d3 3"),
    // It waits two seconds before it takes a range that --range does not announce.
    ...plain("del d1 d2 --prev-kv"),
    ...every("del d --prefix --prev-kv"),
    ...plain(
      "put x 1",
      "put y 2",
      "put z 3",
      "del x y --range",
      "del y --from-key --prev-kv",
      "del '' --prefix",
    ),
    ...plain("del", "del a --prefix --from-key", "get '' --prefix"),
  ],
};
