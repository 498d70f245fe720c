import { PLAIN, plain, type Scenario, type Step } from "../step.js";

const LIVE = ["put w/1 new", "del w/1"];

/** From a revision, so that it does not matter when the watch begins; the one before it shows that it has. */
const watch = (flags: string, more: Partial<Step> = {}): Step => ({
  run: `watch ${flags} --rev=$start`,
  until: [[/first/, ...LIVE], [/DELETE[\s\S]*w\/1|(?:first[\s\S]*){3}/]],
  formats: PLAIN,
  ...more,
});

export const watches: Scenario = {
  name: "watch",
  flags: ["--watch-progress-notify-interval=200ms"],
  steps: [
    { run: "put w/1 first --write-out=json", formats: PLAIN, keep: { start: /"revision":(\d+)/ } },
    watch("w/1"),
    { run: "put w/1 first --write-out=json", formats: PLAIN, keep: { start: /"revision":(\d+)/ } },
    watch("w/ --prefix --prev-kv"),
    { run: "put w/1 first --write-out=json", formats: PLAIN, keep: { start: /"revision":(\d+)/ } },
    watch("w/ w0"),
    { run: "put w/1 first --write-out=json", formats: PLAIN, keep: { start: /"revision":(\d+)/ } },
    watch("w/1 --hex", { until: [[/\\x66/, ...LIVE], [/DELETE\n\\x77/]] }),
    // One event of history only: how much of it shares a message is left open.
    ...(["json", "fields"] as const).flatMap((format): Step[] => [
      { run: "put w/1 first --write-out=json", formats: PLAIN, keep: { start: /"revision":(\d+)/ } },
      {
        run: "watch w/1 --rev=$start --prev-kv",
        formats: [format],
        until: [
          [/Zmlyc3Q|first/, "put w/1 new"],
          [/bmV3|new/, "del w/1"],
          [/"type":1|DELETE|"Type" : "DELETE"/],
        ],
      },
    ]),
    { run: "put w/1 first --write-out=json", formats: PLAIN, keep: { start: /"revision":(\d+)/ } },
    watch("w/1 --progress-notify", { until: [[/first/], [/progress notify: \d+/]] }),
    {
      run: "watch --rev=$start w/1 -- sh -c 'echo $ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE $ETCD_WATCH_REVISION'",
      formats: PLAIN,
      until: [[/"first"/, ...LIVE], [/"DELETE" "w\/1"/]],
    },
    { run: "watch w/1 --rev=$start --write-out=table", formats: PLAIN, until: [[/not supported/]] },
    {
      run: "watch --interactive",
      input: "watch w/1 --rev=$start\nwatch w/1 --rev=$start\nnonsense\nwatch\n",
      formats: PLAIN,
      until: [[/(?:DELETE[\s\S]*){2}/, "< progress"], [/progress notify: \d+/]],
      isUnordered: true,
    },
    { run: "put w/1 first --write-out=json", formats: PLAIN, keep: { now: /"revision":(\d+)/ } },
    ...plain("compaction $now", "watch w/1 --rev=2", "watch w/1 --rev=2 --write-out=json"),
    ...plain("watch", "watch w/ --prefix --rev=x", "watch b a --rev=1"),
    { run: "watch w/1", env: { ETCDCTL_WATCH_KEY: "other" }, formats: PLAIN },
    {
      run: "watch --rev=$now",
      env: { ETCDCTL_WATCH_KEY: "w/1" },
      formats: PLAIN,
      until: [[/first/]],
    },
  ],
};
