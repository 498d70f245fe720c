import { PLAIN, plain, type Scenario, type Step } from "../step.js";

const txn = (input: string, run = "txn"): Step => ({ run, input });
const simple = (input: string, run = "txn"): Step => ({ run, input, formats: PLAIN });

export const transactions: Scenario = {
  name: "txn",
  steps: [
    ...plain("put a 1", "put b 2"),
    txn('value("a") = "1"\n\nput a 1\nget a\ndel missing\nget --prefix ""\n\nput no 1\n\n'),
    txn('mod("a") > "100000"\n\nput no 1\n\nget a\ndel b --prev-kv\nput b 3 --prev-kv\n\n'),
    txn('create("a") = "2"\nversion("a") > "0"\nlease("a") = "0"\nvalue("a") < "2"\n\nput ok 1\n\n\n'),
    txn('create("none") = "0"\n\nput none 1\n\nget none\n\n'),
    txn("\n\n\n"),
    txn('\nput quoted "a \\"b\\" c"\nget quoted --print-value-only\n\n\n'),
    txn('value("a") = "1"\n\nget a\n\nget b\n\n', "txn --hex"),
    txn("\nput same 1\nput same 2\n\n\n"),
    txn("\nput k 1 --lease=7b\n\n\n"),
    txn("\nput unknown --ignore-value\n\n\n"),
    txn("\nget a --rev=100000\n\n\n"),
    simple('value("a") = "1"\n\nput a 2\n\nput a 3\n\n', "txn --interactive"),
    simple('value("a") = "1"\n\nput a 2\n\nput a 3\n\n', "txn -i"),
    simple("nonsense\n\nput a 1\n\n\n"),
    simple('value("a") ~ "1"\n\nput a 1\n\n\n'),
    simple('size("a") = "1"\n\nput a 1\n\n\n'),
    simple('mod("a") = "x"\n\nput a 1\n\n\n'),
    simple("\nfly a\n\n\n"),
    simple("\nput a\n\n\n"),
    simple("\nget a --nonsense\n\n\n"),
    simple('value("a") = "1"'),
    simple(`\n${Array.from({ length: 129 }, (_, index) => `put many${index} 1\n`).join("")}\n\n`),
    ...plain("txn more", "get '' --prefix"),
  ],
};
