package main

import (
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
)

// The key space at one revision, as etcd's documentation describes it. Never changed once it is made.
type state struct {
	revision int64
	pairs    map[string]pair
	ended    map[int64]bool // leases
	before   *state         // the revision before, for reads of the past
	answered int            // how many operations whose answer is known have led here
	seen     int            // how many sights of a revision
	path     string         // of the changes that have led here
}

func newState() *state {
	return &state{revision: 1, pairs: map[string]pair{}, ended: map[int64]bool{}}
}

func (s *state) equal(other *state) bool {
	return s == other || s.revision == other.revision && s.answered == other.answered && s.seen == other.seen &&
		s.path == other.path
}

func (s *state) at(revision int64) *state {
	for s != nil && s.revision > revision {
		s = s.before
	}
	return s
}

func covers(key, end, candidate string) bool {
	switch end {
	case "":
		return candidate == key
	case "\x00":
		return candidate >= key
	default:
		return candidate >= key && candidate < end
	}
}

func within(pairs map[string]pair, key, end string) []pair {
	found := []pair{}
	if end == "" {
		if one, ok := pairs[key]; ok {
			found = append(found, one)
		}
		return found
	}
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		if covers(key, end, name) {
			found = append(found, pairs[name])
		}
	}
	return found
}

// What a transaction makes of a state.
type effect struct {
	succeeded bool
	results   [][]pair
	changes   []change
	pairs     map[string]pair // only if there are changes
	refused   bool            // it names a lease that has ended
}

func (s *state) apply(r *request) effect {
	out := effect{succeeded: true}
	for _, c := range r.Compares {
		if holds := s.pairs[c.Key]; value(holds, c.Target) != c.Operand {
			out.succeeded = false
		}
	}
	steps := r.Success
	if !out.succeeded {
		steps = r.Failure
	}
	current := s.pairs
	write := func() {
		if out.pairs == nil {
			out.pairs = maps.Clone(s.pairs)
			current = out.pairs
		}
	}
	next := s.revision + 1
	for _, one := range steps {
		switch one.Type {
		case "get":
			source := current
			if r.At > 0 && r.At < s.revision {
				past := s.at(r.At)
				if past == nil {
					out.refused = true
					return out
				}
				source = past.pairs
			} else if r.At > s.revision {
				out.refused = true
				return out
			}
			out.results = append(out.results, within(source, one.Key, one.End))
		case "put":
			if one.Lease != 0 && s.ended[one.Lease] {
				out.refused = true
				return out
			}
			previous := within(current, one.Key, "")
			made := pair{Key: one.Key, Value: one.Value, Create: next, Mod: next, Version: 1, Lease: one.Lease}
			if len(previous) == 1 {
				made.Create, made.Version = previous[0].Create, previous[0].Version+1
			}
			write()
			current[one.Key] = made
			out.changes = append(out.changes, change{Pair: made})
			out.results = append(out.results, previous)
		case "delete":
			previous := within(current, one.Key, one.End)
			if len(previous) > 0 {
				write()
			}
			for _, gone := range previous {
				delete(current, gone.Key)
				out.changes = append(out.changes, change{Deleted: true, Pair: pair{Key: gone.Key, Mod: next}})
			}
			out.results = append(out.results, previous)
		}
	}
	return out
}

func value(p pair, target string) int64 {
	switch target {
	case "mod":
		return p.Mod
	case "create":
		return p.Create
	case "version":
		return p.Version
	}
	panic("no such comparison: " + target)
}

// The end of a lease deletes its keys, in one revision.
func (s *state) end(lease int64) effect {
	out := effect{}
	next := s.revision + 1
	for _, name := range slices.Sorted(maps.Keys(s.pairs)) {
		if s.pairs[name].Lease != lease {
			continue
		}
		if out.pairs == nil {
			out.pairs = maps.Clone(s.pairs)
		}
		delete(out.pairs, name)
		out.changes = append(out.changes, change{Deleted: true, Pair: pair{Key: name, Mod: next}})
	}
	return out
}

func (s *state) after(e effect, ended int64) *state {
	next := *s
	if ended != 0 {
		next.ended = maps.Clone(s.ended)
		next.ended[ended] = true
	}
	if len(e.changes) == 0 {
		return &next
	}
	next.before = s
	next.revision++
	next.pairs = e.pairs
	digest := fnv.New128a()
	digest.Write([]byte(s.path))
	for _, c := range e.changes {
		p := c.Pair
		digest.Write([]byte(strconv.FormatBool(c.Deleted) + strconv.Quote(p.Key) + strconv.Quote(p.Value) +
			strconv.FormatInt(p.Lease, 10)))
	}
	next.path = string(digest.Sum(nil))
	return &next
}
