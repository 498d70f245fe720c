// Checks a recorded history of etcd's KV for linearizability with porcupine: reads it as JSON from its standard
// input and writes a verdict.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"
)

type verdict struct {
	Result     porcupine.CheckResult `json:"result"` // Ok, Illegal, or Unknown when the time was not enough
	Operations int                   `json:"operations"`
	Unknown    int                   `json:"unknown"`
	Revision   int64                 `json:"revision"`
	Seconds    float64               `json:"seconds"`
	Problems   []string              `json:"problems"`
}

func main() {
	var h history
	if err := json.NewDecoder(os.Stdin).Decode(&h); err != nil {
		fmt.Fprintln(os.Stderr, "the history can't be read:", err)
		os.Exit(2)
	}
	limit := 60.0
	if len(os.Args) > 1 {
		limit, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	json.NewEncoder(os.Stdout).Encode(check(h, time.Duration(limit*float64(time.Second))))
}

func check(h history, limit time.Duration) verdict {
	began := time.Now()
	k, problems := gather(h)
	operations := entries(h, k)
	answered := k.answers[k.last]
	out := verdict{Operations: answered, Unknown: len(operations) - answered - k.sights, Revision: k.last, Problems: problems}
	if len(problems) > 0 {
		out.Result = porcupine.Illegal
		return out
	}
	out.Result = porcupine.CheckOperationsTimeout(k.model(), operations, limit)
	out.Seconds = time.Since(began).Seconds()
	if out.Result == porcupine.Illegal {
		out.Problems = explain(k, operations)
	}
	return out
}

// What the answers and the watchers say of revisions, and where they contradict each other at first sight.
func gather(h history) (*evidence, []string) {
	k := &evidence{claimed: map[int64]bool{}, shown: map[int64][]change{}, last: 1, answers: map[int64]int{}}
	problems := []string{}
	for _, watcher := range h.Watchers {
		for _, d := range watcher {
			if known, ok := k.shown[d.Revision]; ok && !slices.Equal(known, d.Changes) {
				problems = append(problems, fmt.Sprintf("revision %d was shown as %v and as %v", d.Revision, known, d.Changes))
			}
			k.shown[d.Revision] = d.Changes
			k.last = max(k.last, d.Revision)
		}
	}
	for _, o := range h.Operations {
		if o.Answer == nil {
			continue
		}
		k.last = max(k.last, o.Answer.Revision)
		k.answers[o.Answer.Revision]++
		if !changes(o) {
			continue
		}
		if k.claimed[o.Answer.Revision] {
			problems = append(problems, fmt.Sprintf("revision %d was made twice", o.Answer.Revision))
		}
		k.claimed[o.Answer.Revision] = true
	}
	for revision := int64(1); revision <= k.last; revision++ {
		k.answers[revision] += k.answers[revision-1]
	}
	return k, problems
}

// Whether the answer tells of a change.
func changes(o operation) bool {
	steps := o.Request.Success
	if !o.Answer.Succeeded {
		steps = o.Request.Failure
	}
	for index, one := range steps {
		if one.Type == "put" || one.Type == "delete" && index < len(o.Answer.Results) && len(o.Answer.Results[index]) > 0 {
			return true
		}
	}
	return false
}

func entries(h history, k *evidence) []porcupine.Operation {
	var out []porcupine.Operation
	var none *response
	add := func(in input, answer *response, call, end int64) {
		out = append(out, porcupine.Operation{Input: in, Output: answer, Call: call, Return: end})
	}
	for index := range h.Operations {
		o := &h.Operations[index]
		end := o.Return
		if o.Answer == nil {
			end = math.MaxInt64
		}
		add(input{request: &o.Request}, o.Answer, o.Call, end)
	}
	for _, l := range h.Leases {
		add(input{ended: l.ID}, none, l.Granted, math.MaxInt64)
	}
	// A revision that no answer claims was made before a watcher saw it.
	seen := map[int64]int64{}
	for _, watcher := range h.Watchers {
		for _, d := range watcher {
			if at, ok := seen[d.Revision]; !k.claimed[d.Revision] && (!ok || d.At < at) {
				seen[d.Revision] = d.At
			}
		}
	}
	k.sights = len(seen)
	for revision, at := range seen {
		add(input{seen: revision}, none, at, at)
	}
	return out
}

// Where the longest order that could be found comes to its end.
func explain(k *evidence, operations []porcupine.Operation) []string {
	_, info := porcupine.CheckOperationsVerbose(k.model(), operations, 20*time.Second)
	var longest []porcupine.Operation
	for _, partial := range info.PartialLinearizationsOperations()[0] {
		if len(partial) > len(longest) {
			longest = partial
		}
	}
	reached := newState()
	done := map[any]bool{}
	for _, o := range longest {
		_, next := k.step(reached, o.Input.(input), o.Output.(*response))
		reached = next.(*state)
		done[o.Input] = true
	}
	problems := []string{fmt.Sprintf("no order goes on behind %d operations at revision %d", len(longest), reached.revision)}
	rest := slices.DeleteFunc(slices.Clone(operations), func(o porcupine.Operation) bool { return done[o.Input] })
	slices.SortFunc(rest, func(a, b porcupine.Operation) int { return int((a.Return - b.Return) >> 1) })
	for index, o := range rest {
		if index == 5 {
			break
		}
		problems = append(problems, "open: "+describe(o.Input.(input), o.Output.(*response)))
	}
	return problems
}
