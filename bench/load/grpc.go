package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// slot is one request in flight, with buffers that its requests share one after another.
type slot struct {
	call
	index   int
	buffer  []byte
	key     []byte
	sent    time.Time
	swapped bool
	owned   [16]int64 // modification revisions of its own keys, for compare-and-swap
	turn    int
}

// operation makes a slot's next request, framed, and checks the answer to it.
type operation interface {
	next(s *slot) (path string, message []byte)
	check(s *slot, message []byte) error
	// finish checks at the end what no single answer tells.
	finish(target string) error
}

func newOperation(o options) (operation, error) {
	v := newValues(o.valueBytes)
	switch o.operation {
	case "put", "put-listed":
		return &putOperation{keys: o.keys, values: v, listed: o.operation != "put"}, nil
	case "get", "get-serializable":
		return &getOperation{keys: o.keys, valueBytes: o.valueBytes, serializable: o.operation != "get"}, nil
	case "list":
		return &listOperation{keys: o.keys, valueBytes: o.valueBytes}, nil
	case "mixed":
		return &mixedOperation{
			get: getOperation{keys: o.keys, valueBytes: o.valueBytes},
			put: putOperation{keys: o.keys, values: v, listed: true},
		}, nil
	case "swap", "swap-hot":
		return &swapOperation{prefix: freshPrefix("swap"), hot: o.operation == "swap-hot", values: v}, nil
	}
	return nil, fmt.Errorf("no operation is called %s", o.operation)
}

// grpcLoop keeps connections × streams requests in flight.
func grpcLoop(o options) (any, error) {
	op, err := newOperation(o)
	if err != nil {
		return nil, err
	}
	connections := make([]*connection, o.connections)
	for i := range connections {
		if connections[i], err = dial(o.target); err != nil {
			return nil, err
		}
		defer connections[i].socket.Close()
	}
	m := newMeasure(o)
	err = inParallel(o.connections, func(i int) error {
		return loopOn(connections[i], op, m, i*o.streams, o.streams)
	})
	if err != nil {
		return nil, err
	}
	if err := op.finish(o.target); err != nil {
		return nil, err
	}
	return m.figures(), nil
}

func loopOn(c *connection, op operation, m *measure, first, count int) error {
	inFlight := count
	for i := range count {
		s := &slot{index: first + i}
		issue := func() {
			s.sent = time.Now()
			path, message := op.next(s)
			c.start(&s.call, path, message, false)
		}
		s.onMessage = func(message []byte) error { return op.check(s, message) }
		s.onEnd = func() error {
			if m.answered(s.sent, time.Now(), s.swapped) {
				issue()
			} else {
				inFlight--
			}
			return nil
		}
		issue()
	}
	return c.read(func() bool { return inFlight == 0 })
}

// once makes one call on a connection of its own.
func once(target, path string, message []byte, check func([]byte) error) error {
	c, err := dial(target)
	if err != nil {
		return err
	}
	defer c.socket.Close()
	ended := false
	k := &call{onMessage: check, onEnd: func() error { ended = true; return nil }}
	c.start(k, path, message, false)
	return c.read(func() bool { return ended })
}

type putOperation struct {
	keys   int
	values *values
	listed bool // overwrites the keys that get and list read
}

func (p *putOperation) next(s *slot) (string, []byte) {
	if n := rand.IntN(p.keys); p.listed {
		s.key = listKey(s.key, n)
	} else {
		s.key = fmt.Appendf(s.key[:0], "/put/%08d", n)
	}
	s.buffer = framed(appendPut(spare(s.buffer), s.key, p.values.next()))
	return pathPut, s.buffer
}

func (p *putOperation) check(_ *slot, message []byte) error { return checkPut(message) }
func (p *putOperation) finish(string) error                 { return nil }

type getOperation struct {
	keys, valueBytes int
	serializable     bool
}

func (g *getOperation) next(s *slot) (string, []byte) {
	s.key = listKey(s.key, rand.IntN(g.keys))
	s.buffer = framed(appendRange(spare(s.buffer), s.key, rangeOptions{serializable: g.serializable}))
	return pathRange, s.buffer
}

func (g *getOperation) check(s *slot, message []byte) error {
	return checkGet(message, s.key, g.valueBytes)
}
func (g *getOperation) finish(string) error { return nil }

type listOperation struct{ keys, valueBytes int }

func (l *listOperation) next(s *slot) (string, []byte) {
	key, end := listFolder(rand.IntN(l.keys))
	s.buffer = framed(appendRange(spare(s.buffer), key, rangeOptions{end: end}))
	return pathRange, s.buffer
}

func (l *listOperation) check(_ *slot, message []byte) error {
	return checkList(message, keysInFolder, l.valueBytes)
}
func (l *listOperation) finish(string) error { return nil }

// mixedOperation reads four times out of five.
type mixedOperation struct {
	get getOperation
	put putOperation
}

func (x *mixedOperation) next(s *slot) (string, []byte) {
	if s.turn = rand.IntN(5); s.turn == 0 {
		return x.put.next(s)
	}
	return x.get.next(s)
}

func (x *mixedOperation) check(s *slot, message []byte) error {
	if s.turn == 0 {
		return x.put.check(s, message)
	}
	return x.get.check(s, message)
}
func (x *mixedOperation) finish(string) error { return nil }
