package main

import (
	"errors"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"
)

// grpcWatch lets every watcher watch one prefix on a stream of its own, and puts keys of that prefix.
func grpcWatch(o options) (any, error) {
	prefix := freshPrefix("watch")
	end := []byte(prefix)
	end[len(end)-1]++
	var closing atomic.Bool
	writer, err := dial(o.target)
	if err != nil {
		return nil, err
	}
	defer writer.socket.Close()
	f := newFanout(o.watchers, func(value []byte) error { return putOn(writer, prefix, value) })
	read := func(c *connection) {
		if err := c.read(func() bool { return false }); !closing.Load() {
			f.fail(err)
		}
	}
	go read(writer)

	created := make(chan struct{}, o.watchers)
	for i := range o.connections {
		c, err := dial(o.target)
		if err != nil {
			return nil, err
		}
		defer c.socket.Close()
		for watcher := i; watcher < o.watchers; watcher += o.connections {
			k := &call{
				onMessage: func(message []byte) error { return watched(f, watcher, message, created) },
				onEnd:     func() error { return errors.New("the server ended a watch") },
			}
			c.start(k, pathWatch, framed(appendWatchCreate(spare(nil), []byte(prefix), end)), true)
		}
		go read(c)
	}
	defer closing.Store(true)
	for range o.watchers {
		select {
		case <-created:
		case err := <-f.failure:
			return nil, err
		}
	}
	return f.run(o)
}

func putOn(c *connection, prefix string, value []byte) error {
	done := make(chan struct{})
	k := &call{onMessage: checkPut, onEnd: func() error { close(done); return nil }}
	c.start(k, pathPut, framed(appendPut(spare(nil), []byte(prefix+"key"), value)), false)
	if err := c.flush(); err != nil {
		return err
	}
	<-done
	return nil
}

func watched(f *fanout, watcher int, message []byte, created chan<- struct{}) error {
	return each(message, func(field protowire.Number, number uint64, value []byte) error {
		switch field {
		case 3:
			created <- struct{}{}
		case 4:
			return errors.New("the server canceled a watch")
		case 11:
			return each(value, func(field protowire.Number, _ uint64, value []byte) error {
				if field != 2 {
					return nil
				}
				kv, err := parseKeyValue(value)
				if err != nil {
					return err
				}
				return f.seen(watcher, kv.mod, kv.value)
			})
		}
		return nil
	})
}
