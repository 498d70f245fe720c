package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"time"
)

// fanoutFigures are those of puts that many watchers see.
type fanoutFigures struct {
	// EventsPerSecond is the throughput with `window` puts under way, each until its last watcher has seen it.
	EventsPerSecond float64 `json:"eventsPerSecond"`
	// P50Ms and P99Ms are from a put's start to its event at a watcher, at a rate that leaves the server idle.
	P50Ms float64 `json:"p50Ms"`
	P99Ms float64 `json:"p99Ms"`
	All   int     `json:"all"`
}

// fanout knows which watcher has seen what: each put once, in the order of revisions.
type fanout struct {
	put func(value []byte) error

	mu        sync.Mutex
	revisions []int64 // the last that each watcher has seen
	seenBy    []int   // of each put, in the order of their numbers
	events    int
	latencies *latencies
	free      chan struct{} // a token for each put that may be under way
	failure   chan error
}

const stampBytes = 16

func newFanout(watchers int, put func(value []byte) error) *fanout {
	return &fanout{put: put, revisions: make([]int64, watchers), failure: make(chan error, 1)}
}

func (f *fanout) fail(err error) {
	select {
	case f.failure <- err:
	default:
	}
}

// seen is called for each event that a watcher gets.
func (f *fanout) seen(watcher int, revision int64, value []byte) error {
	now := time.Now()
	if len(value) < stampBytes {
		return fmt.Errorf("an event with a value of %d bytes", len(value))
	}
	sent := time.Unix(0, int64(binary.BigEndian.Uint64(value)))
	number := int(binary.BigEndian.Uint64(value[8:]))
	f.mu.Lock()
	defer f.mu.Unlock()
	if revision <= f.revisions[watcher] {
		return fmt.Errorf("revision %d after %d", revision, f.revisions[watcher])
	}
	if number >= len(f.seenBy) {
		return fmt.Errorf("an event of put %d of %d", number, len(f.seenBy))
	}
	f.revisions[watcher] = revision
	f.events++
	if f.latencies != nil {
		f.latencies.add(now.Sub(sent))
	}
	if f.seenBy[number]++; f.seenBy[number] == len(f.revisions) {
		f.free <- struct{}{}
	}
	return nil
}

// start makes the next put without waiting for it.
func (f *fanout) start(valueBytes int) {
	f.mu.Lock()
	number := len(f.seenBy)
	f.seenBy = append(f.seenBy, 0)
	f.mu.Unlock()
	value := make([]byte, max(valueBytes, stampBytes))
	binary.BigEndian.PutUint64(value[8:], uint64(number))
	binary.BigEndian.PutUint64(value, uint64(time.Now().UnixNano()))
	go func() {
		if err := f.put(value); err != nil {
			f.fail(err)
		}
	}()
}

// take waits for that many tokens.
func (f *fanout) take(count int) error {
	for range count {
		select {
		case <-f.free:
		case err := <-f.failure:
			return err
		}
	}
	return nil
}

// flood keeps `window` puts under way for that time, and gives the events of all of them and how long they took.
func (f *fanout) flood(o options, duration time.Duration) (events int, took time.Duration, err error) {
	before := f.count()
	for range o.window {
		f.free <- struct{}{}
	}
	begin := time.Now()
	for time.Since(begin) < duration {
		if err := f.take(1); err != nil {
			return 0, 0, err
		}
		f.start(o.valueBytes)
	}
	if err := f.take(o.window); err != nil {
		return 0, 0, err
	}
	return f.count() - before, time.Since(begin), nil
}

// pace makes puts at an even rate, and gives the latencies of their events.
func (f *fanout) pace(o options, duration time.Duration) (*latencies, error) {
	f.mu.Lock()
	f.latencies = &latencies{}
	f.mu.Unlock()
	puts := int(math.Ceil(duration.Seconds() * o.perSecond))
	ticker := time.NewTicker(time.Duration(float64(time.Second) / o.perSecond))
	defer ticker.Stop()
	for range puts {
		<-ticker.C
		f.start(o.valueBytes)
	}
	if err := f.take(puts); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	measured := f.latencies
	f.latencies = nil
	return measured, nil
}

func (f *fanout) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.events
}

// run measures both, once all watchers are there.
func (f *fanout) run(o options) (any, error) {
	f.free = make(chan struct{}, o.window+int(math.Ceil(o.duration.Seconds()*o.perSecond)))
	if _, _, err := f.flood(o, o.warmup); err != nil {
		return nil, err
	}
	paced, err := f.pace(o, o.duration)
	if err != nil {
		return nil, err
	}
	events, took, err := f.flood(o, o.duration)
	if err != nil {
		return nil, err
	}
	if whole := len(f.seenBy) * len(f.revisions); f.count() != whole {
		return nil, fmt.Errorf("%d events instead of %d", f.count(), whole)
	}
	return fanoutFigures{
		EventsPerSecond: float64(events) / took.Seconds(), All: f.count(),
		P50Ms: paced.milliseconds(0.5), P99Ms: paced.milliseconds(0.99),
	}, nil
}
