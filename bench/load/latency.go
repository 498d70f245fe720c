package main

import (
	"math/bits"
	"time"
)

// latencies is a histogram of durations in buckets of 3 % and less: constant memory for millions of events.
type latencies struct {
	buckets [64 * subBuckets]uint64
	count   uint64
}

const (
	subBucketBits = 5
	subBuckets    = 1 << subBucketBits
)

func (l *latencies) add(d time.Duration) {
	l.buckets[bucketOf(uint64(max(d, 0)))]++
	l.count++
}

func (l *latencies) merge(other *latencies) {
	for i, n := range other.buckets {
		l.buckets[i] += n
	}
	l.count += other.count
}

// milliseconds gives the quantile q, at the upper end of its bucket.
func (l *latencies) milliseconds(q float64) float64 {
	rank := uint64(q * float64(l.count))
	var seen uint64
	for i, n := range l.buckets {
		if seen += n; seen > rank {
			return float64(upperEnd(i)) / float64(time.Millisecond)
		}
	}
	return 0
}

func bucketOf(ns uint64) int {
	shift := bits.Len64(ns) - subBucketBits - 1
	if shift < 0 {
		return int(ns)
	}
	return (shift+1)*subBuckets + int(ns>>shift) - subBuckets
}

func upperEnd(bucket int) uint64 {
	shift := bucket/subBuckets - 1
	if shift < 0 {
		return uint64(bucket)
	}
	return uint64(bucket%subBuckets+subBuckets+1) << shift
}
