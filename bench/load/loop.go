package main

import (
	"sync"
	"time"
)

// loopFigures are those of a closed loop: each request follows the answer to the one before.
type loopFigures struct {
	PerSecond float64 `json:"perSecond"`
	P50Ms     float64 `json:"p50Ms"`
	P99Ms     float64 `json:"p99Ms"`
	// All counts the answers before and after the measured time too, for figures per answer.
	All int `json:"all"`
	// SwapsPerSecond counts the transactions whose compare held.
	SwapsPerSecond float64 `json:"swapsPerSecond"`
}

// measure counts what happens within the measured time.
type measure struct {
	mu            sync.Mutex
	begin, finish time.Time
	latencies     latencies
	all, swaps    int
	stalled       bool // no answer came in time: what was under way then is measured until it has come
}

func newMeasure(o options) *measure {
	begin := time.Now().Add(o.warmup)
	return &measure{begin: begin, finish: begin.Add(o.duration)}
}

// answered says whether there is time for another request.
func (m *measure) answered(sent, now time.Time, swapped bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all++
	if !now.Before(m.finish) && (m.stalled || m.latencies.count == 0) {
		m.stalled = true
		m.finish = now
	}
	if m.stalled || !now.Before(m.begin) && now.Before(m.finish) {
		m.latencies.add(now.Sub(sent))
		if swapped {
			m.swaps++
		}
	}
	return now.Before(m.finish)
}

func (m *measure) figures() loopFigures {
	seconds := m.finish.Sub(m.begin).Seconds()
	return loopFigures{
		PerSecond: float64(m.latencies.count) / seconds, All: m.all, SwapsPerSecond: float64(m.swaps) / seconds,
		P50Ms: m.latencies.milliseconds(0.5), P99Ms: m.latencies.milliseconds(0.99),
	}
}

// inParallel runs f for each index and gives the first error.
func inParallel(count int, f func(index int) error) error {
	failures := make(chan error, count)
	for index := range count {
		go func() { failures <- f(index) }()
	}
	for range count {
		if err := <-failures; err != nil {
			return err
		}
	}
	return nil
}
