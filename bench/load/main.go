// Command load drives one server, checks every answer, and prints what it measured as one line of JSON.
//
// It speaks HTTP/2 by golang.org/x/net/http2's framer, and HTTP/1.1, without a client library: it shares a small
// machine with the server that it measures, and must not be what is measured.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// options are the flags of all commands; each command uses those that mean something to it.
type options struct {
	target      string
	operation   string
	connections int
	streams     int
	watchers    int
	warmup      time.Duration
	duration    time.Duration
	keys        int
	from        int
	valueBytes  int
	perSecond   float64
	window      int
	batch       int
}

var commands = map[string]func(options) (any, error){
	"ready":         ready,
	"fill":          fill,
	"grpc":          grpcLoop,
	"watch":         grpcWatch,
	"gateway":       gatewayLoop,
	"gateway-watch": gatewayWatch,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 || commands[args[0]] == nil {
		return fmt.Errorf("usage: load ready|fill|grpc|watch|gateway|gateway-watch [flags]")
	}
	var o options
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.StringVar(&o.target, "target", "127.0.0.1:2379", "HOST:PORT of the server")
	flags.StringVar(&o.operation, "operation", "put", "what to do")
	flags.IntVar(&o.connections, "connections", 1, "connections")
	flags.IntVar(&o.streams, "streams", 1, "requests in flight on each connection")
	flags.IntVar(&o.watchers, "watchers", 1000, "watchers, each on a stream or connection of its own")
	flags.DurationVar(&o.warmup, "warmup", 300*time.Millisecond, "time before what is measured")
	flags.DurationVar(&o.duration, "duration", time.Second, "time that is measured")
	flags.IntVar(&o.keys, "keys", 10_000, "number of keys")
	flags.IntVar(&o.from, "from", 0, "the first key to fill")
	flags.IntVar(&o.valueBytes, "value-bytes", 256, "length of a value")
	flags.Float64Var(&o.perSecond, "per-second", 20, "puts a second while latency is measured")
	flags.IntVar(&o.window, "window", 4, "puts not yet seen by all watchers while throughput is measured")
	flags.IntVar(&o.batch, "batch", 128, "puts in a transaction of fill; 1: the create of one key, as Kubernetes does it")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	// a second core is the server's
	runtime.GOMAXPROCS(1)
	if args[0] != "fill" {
		time.AfterFunc(o.warmup+2*o.duration+time.Minute, func() {
			fmt.Fprintf(os.Stderr, "%s: answers or events are missing\n", args[0])
			os.Exit(1)
		})
	}
	figures, err := commands[args[0]](o)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return json.NewEncoder(os.Stdout).Encode(struct {
		Figures    any     `json:"figures"`
		CPUSeconds float64 `json:"cpuSeconds"`
	}{figures, cpuSeconds()})
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}
