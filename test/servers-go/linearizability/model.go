package main

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
)

// What porcupine is given as an operation's input; its output is a *response, or nil if unknown.
type input struct {
	request *request
	ended   int64 // the lease that ends here
	seen    int64 // the revision that a watcher has shown: it is reached by now
}

// What is known of the log before the search begins. It keeps the search from trying what can't be, and takes no
// possibility away: a revision has one maker, every answer names its revision, and what watchers are sent is checked
// against the states like any answer.
type evidence struct {
	claimed map[int64]bool     // revisions that an answer says its operation made
	shown   map[int64][]change // revisions that watchers were shown
	last    int64              // the newest revision that anybody knows of
	answers map[int64]int      // operations that were answered at a revision or at one before it
	sights  int                // revisions that are known from watchers alone
}

func (k *evidence) model() porcupine.Model {
	return porcupine.Model{
		Init:  func() any { return newState() },
		Equal: func(a, b any) bool { return a.(*state).equal(b.(*state)) },
		Hash: func(s any) uint64 {
			path := s.(*state).path
			if path == "" {
				return 0
			}
			return binary.BigEndian.Uint64([]byte(path))
		},
		Step: func(s, in, out any) (bool, any) {
			return k.step(s.(*state), in.(input), out.(*response))
		},
		DescribeOperation: func(in, out any) string { return describe(in.(input), out.(*response)) },
	}
}

func (k *evidence) step(s *state, in input, answer *response) (bool, any) {
	switch {
	case in.seen != 0:
		next := *s
		next.seen++
		return s.revision >= in.seen, &next
	case in.ended != 0:
		return k.unanswered(s, func() effect { return s.end(in.ended) }, in.ended)
	case answer == nil:
		return k.unanswered(s, func() effect { return s.apply(in.request) }, 0)
	}
	e := s.apply(in.request)
	if e.refused || e.succeeded != answer.Succeeded || !slices.EqualFunc(e.results, answer.Results, slices.Equal) {
		return false, nil
	}
	next := s.after(e, 0)
	next.answered++
	if next.revision != answer.Revision || !k.mayFollow(s, e) {
		return false, nil
	}
	return true, next
}

// A call that failed was done at any time after it began, or never: which is the same as last of all. One that
// changes nothing has no place in the order, so that last of all serves for it, too. What is not last of all makes
// a revision that no answer claims.
func (k *evidence) unanswered(s *state, apply func() effect, ended int64) (bool, any) {
	revision := s.revision + 1
	atLast := s.revision >= k.last && s.answered == k.answers[k.last] && s.seen == k.sights
	// It is asked at every step of every call that failed: most are told no without being tried.
	if !atLast && (revision > k.last || k.claimed[revision] || s.answered != k.answers[s.revision]) {
		return false, nil
	}
	e := apply()
	if atLast {
		if e.refused {
			e = effect{}
		}
		return true, s.after(e, ended)
	}
	if e.refused || len(e.changes) == 0 || !k.mayFollow(s, e) {
		return false, nil
	}
	return true, s.after(e, ended)
}

// A revision follows when all that was answered at those before it is done, for its turn would never come again;
// and it holds the very changes that watchers were shown.
func (k *evidence) mayFollow(s *state, e effect) bool {
	if len(e.changes) == 0 {
		return true
	}
	shown, known := k.shown[s.revision+1]
	return s.answered == k.answers[s.revision] && (!known || slices.Equal(shown, e.changes))
}

func describe(in input, answer *response) string {
	switch {
	case in.seen != 0:
		return fmt.Sprintf("revision %d is seen", in.seen)
	case in.ended != 0:
		return fmt.Sprintf("lease %d ends", in.ended)
	case answer == nil:
		return fmt.Sprintf("%+v -> unknown", *in.request)
	}
	return fmt.Sprintf("%+v -> %+v", *in.request, *answer)
}
