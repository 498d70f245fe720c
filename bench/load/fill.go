package main

import (
	"fmt"
	"sync/atomic"
)

type fillFigures struct {
	Keys int `json:"keys"`
}

// fill puts the keys from `from` to `keys`, in large transactions, and then counts them.
func fill(o options) (any, error) {
	v := newValues(o.valueBytes)
	next := atomic.Int64{}
	next.Store(int64(o.from))
	err := inParallel(o.connections, func(int) error {
		c, err := dial(o.target)
		if err != nil {
			return err
		}
		defer c.socket.Close()
		return fillOn(c, o, v, &next)
	})
	if err != nil {
		return nil, err
	}
	request := framed(appendRange(spare(nil), []byte("/list/"), rangeOptions{end: []byte("/list0"), countOnly: true}))
	err = once(o.target, pathRange, request, func(message []byte) error {
		a, err := parseRange(message)
		if err == nil && a.count != int64(o.keys) {
			err = fmt.Errorf("%d keys after %d were put", a.count, o.keys)
		}
		return err
	})
	return fillFigures{o.keys - o.from}, err
}

func fillOn(c *connection, o options, v *values, next *atomic.Int64) error {
	inFlight := 0
	for range o.streams {
		k := &call{}
		var buffer, key []byte
		count := 0
		issue := func() {
			first := int(next.Add(int64(o.batch))) - o.batch
			last := min(first+o.batch, o.keys)
			if first >= last {
				return
			}
			buffer = spare(buffer)
			count = last - first
			for n := first; n < last; n++ {
				key = listKey(key, n)
				if o.batch == 1 {
					buffer = appendSwap(buffer, key, v.next(), 0)
				} else {
					buffer = appendBytes(buffer, 2, appendBytes(nil, 2, appendPut(nil, key, v.next())))
				}
			}
			inFlight++
			c.start(k, pathTxn, framed(buffer), false)
		}
		k.onMessage = func(message []byte) error {
			a, err := parseTxn(message)
			if err == nil && (!a.succeeded || a.responses != count) {
				err = fmt.Errorf("succeeded %v with %d responses to %d puts", a.succeeded, a.responses, count)
			}
			return err
		}
		k.onEnd = func() error {
			inFlight--
			issue()
			return nil
		}
		issue()
	}
	return c.read(func() bool { return inFlight == 0 })
}
