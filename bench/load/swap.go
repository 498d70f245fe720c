package main

import (
	"fmt"
	"sync/atomic"
)

// swapOperation is compare-and-swap as Kubernetes writes it: on keys of each slot's own, or all slots on one.
type swapOperation struct {
	prefix string
	hot    bool
	values *values
	swaps  atomic.Int64
}

func (w *swapOperation) next(s *slot) (string, []byte) {
	if w.hot {
		s.key = append(s.key[:0], w.hotKey()...)
	} else {
		s.turn = (s.turn + 1) % len(s.owned)
		s.key = fmt.Appendf(s.key[:0], "%s%d/%d", w.prefix, s.index, s.turn)
	}
	s.buffer = framed(appendSwap(spare(s.buffer), s.key, w.values.next(), s.owned[s.turn]))
	return pathTxn, s.buffer
}

func (w *swapOperation) check(s *slot, message []byte) error {
	before := s.owned[s.turn]
	mod, succeeded, err := swapped(message)
	switch {
	case err != nil:
		return err
	case succeeded && mod <= before:
		return fmt.Errorf("an update of revision %d at revision %d", before, mod)
	case !succeeded && !w.hot:
		return fmt.Errorf("an update of revision %d was refused: the key is at %d", before, mod)
	case !succeeded && mod == before:
		return fmt.Errorf("an update of revision %d was refused at that revision", mod)
	}
	s.owned[s.turn] = mod
	s.swapped = succeeded
	if succeeded {
		w.swaps.Add(1)
	}
	return nil
}

func (w *swapOperation) hotKey() string { return w.prefix + "hot" }

// finish compares the hot key's version with the number of updates that were acknowledged.
func (w *swapOperation) finish(target string) error {
	if !w.hot {
		return nil
	}
	request := framed(appendRange(spare(nil), []byte(w.hotKey()), rangeOptions{}))
	return once(target, pathRange, request, func(message []byte) error {
		a, err := parseRange(message)
		if err != nil {
			return err
		}
		kv, err := parseKeyValue(a.last)
		if err == nil && kv.version != w.swaps.Load() {
			err = fmt.Errorf("%d updates were acknowledged, and the key has version %d", w.swaps.Load(), kv.version)
		}
		return err
	})
}
