package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

type watchLine struct {
	Result *struct {
		Created  bool `json:"created"`
		Canceled bool `json:"canceled"`
		Events   []struct {
			KeyValue jsonKeyValue `json:"kv"`
		} `json:"events"`
	} `json:"result"`
}

// gatewayWatch is gateways' worker processes, each with a watch on a connection of its own, and an Admin API that puts.
func gatewayWatch(o options) (any, error) {
	prefix := freshPrefix("apisix")
	end := []byte(prefix)
	end[len(end)-1]++
	writers := make(chan *httpConnection, o.window)
	for range o.window {
		h, err := dialHTTP(o.target)
		if err != nil {
			return nil, err
		}
		defer h.socket.Close()
		writers <- h
	}
	f := newFanout(o.watchers, func(value []byte) error {
		h := <-writers
		defer func() { writers <- h }()
		return gatewayPut(h, []byte(prefix+"routes/1"), value)
	})

	var closing atomic.Bool
	body := fmt.Appendf(nil, `{"create_request":{"range_end":"%s","key":"%s"}}`, luaBase64(end), luaBase64([]byte(prefix)))
	created := make(chan struct{}, o.watchers)
	for watcher := range o.watchers {
		h, err := dialHTTP(o.target)
		if err != nil {
			return nil, err
		}
		defer h.socket.Close()
		go func() {
			if err := watchLines(h, body, f, watcher, created); !closing.Load() {
				f.fail(err)
			}
		}()
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

func watchLines(h *httpConnection, body []byte, f *fanout, watcher int, created chan<- struct{}) error {
	response, err := h.request("/v3/watch", body)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line watchLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return err
		}
		if line.Result == nil || line.Result.Canceled {
			return fmt.Errorf("a watch ended: %s", lines.Bytes())
		}
		if line.Result.Created {
			created <- struct{}{}
		}
		for _, event := range line.Result.Events {
			if err := f.seen(watcher, event.KeyValue.ModRevision, event.KeyValue.Value); err != nil {
				return err
			}
		}
	}
	return errors.Join(lines.Err(), io.ErrUnexpectedEOF)
}
