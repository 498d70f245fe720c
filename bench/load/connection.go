package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// large enough that no server ever waits for us
	receiveWindow = 1 << 30
	firstWindow   = 65_535
	frameBytes    = 16_384
	prefixBytes   = 5
)

// call is one gRPC call, unary or a stream. Its callbacks run on the connection's reading goroutine.
type call struct {
	// onMessage gets each whole message; the bytes are valid until it returns.
	onMessage func(message []byte) error
	// onEnd is called after the status OK; any other status ends the connection with an error.
	onEnd func() error

	id       uint32
	received []byte
	messages int
}

// connection is an HTTP/2 connection that makes gRPC calls. One goroutine reads; any may start calls.
type connection struct {
	socket net.Conn
	in     *bufio.Reader
	framer *http2.Framer

	mu         sync.Mutex
	out        *bufio.Writer
	block      bytes.Buffer
	encoder    *hpack.Encoder
	calls      map[uint32]*call
	nextStream uint32
	sendWindow int
	waiting    []request
	unacked    uint32
	authority  string
}

type request struct {
	stream uint32
	body   []byte
	end    bool
}

func dial(target string) (*connection, error) {
	socket, err := net.Dial("tcp", target)
	if err != nil {
		return nil, err
	}
	c := &connection{
		socket: socket, in: bufio.NewReaderSize(socket, 256<<10), out: bufio.NewWriterSize(socket, 64<<10),
		calls: map[uint32]*call{}, nextStream: 1, sendWindow: firstWindow, authority: target,
	}
	c.encoder = hpack.NewEncoder(&c.block)
	c.framer = http2.NewFramer(c.out, c.in)
	c.framer.SetReuseFrames()
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.out.WriteString(http2.ClientPreface)
	c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: receiveWindow})
	c.framer.WriteWindowUpdate(0, receiveWindow-firstWindow)
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	return c, nil
}

// start sends the request of a call; an open one is a stream that gets no more of them.
func (c *connection) start(k *call, path string, message []byte, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.id = c.nextStream
	k.received = k.received[:0]
	k.messages = 0
	c.nextStream += 2
	c.calls[k.id] = k
	c.block.Reset()
	for _, field := range [...]hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":path", Value: path},
		{Name: ":authority", Value: c.authority}, {Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
	} {
		c.encoder.WriteField(field)
	}
	c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: k.id, BlockFragment: c.block.Bytes(), EndHeaders: true})
	c.write(request{stream: k.id, body: message, end: !open})
}

// flush sends what start has buffered; read does so whenever nothing more has come.
func (c *connection) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Flush()
}

// write sends a message within the server's window. No message is larger than a new stream's window.
func (c *connection) write(r request) {
	if len(c.waiting) > 0 || len(r.body) > c.sendWindow {
		c.waiting = append(c.waiting, request{r.stream, bytes.Clone(r.body), r.end})
		return
	}
	c.sendWindow -= len(r.body)
	for body := r.body; ; {
		part := body[:min(len(body), frameBytes)]
		body = body[len(part):]
		c.framer.WriteData(r.stream, r.end && len(body) == 0, part)
		if len(body) == 0 {
			return
		}
	}
}

// read handles frames until `done` says so after one of them.
func (c *connection) read(done func() bool) error {
	for !done() {
		if c.in.Buffered() == 0 {
			if err := c.flush(); err != nil {
				return err
			}
		}
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return err
		}
		if err := c.handle(frame); err != nil {
			return err
		}
	}
	return c.flush()
}

func (c *connection) handle(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.DataFrame:
		return c.data(f)
	case *http2.MetaHeadersFrame:
		return c.headers(f)
	case *http2.SettingsFrame:
		return c.settings(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.framer.WritePing(true, f.Data)
		}
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			c.opened(int(f.Increment))
		}
	case *http2.RSTStreamFrame:
		// Go's server resets a stream that it has answered before it saw the request's end.
		if c.called(f.StreamID) == nil {
			return nil
		}
		return fmt.Errorf("the server reset a stream: %v", f.ErrCode)
	case *http2.GoAwayFrame:
		return fmt.Errorf("the server says goodbye: %v %s", f.ErrCode, f.DebugData())
	}
	return nil
}

func (c *connection) opened(increment int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendWindow += increment
	waiting := c.waiting
	c.waiting = nil
	for _, r := range waiting {
		c.write(r)
	}
}

func (c *connection) settings(f *http2.SettingsFrame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.IsAck() {
		return nil
	}
	if size, ok := f.Value(http2.SettingHeaderTableSize); ok {
		c.encoder.SetMaxDynamicTableSizeLimit(size)
	}
	return c.framer.WriteSettingsAck()
}

func (c *connection) called(stream uint32) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[stream]
}

func (c *connection) data(f *http2.DataFrame) error {
	k := c.called(f.StreamID)
	if k == nil {
		return fmt.Errorf("data for stream %d, which nobody waits for", f.StreamID)
	}
	if c.unacked += f.Length; c.unacked > receiveWindow/4 {
		c.mu.Lock()
		c.framer.WriteWindowUpdate(0, c.unacked)
		c.mu.Unlock()
		c.unacked = 0
	}
	rest := f.Data()
	if len(k.received) > 0 {
		k.received = append(k.received, rest...)
		rest = k.received
	}
	for len(rest) >= prefixBytes {
		length := int(binary.BigEndian.Uint32(rest[1:prefixBytes]))
		if rest[0] != 0 {
			return errors.New("a compressed message, which we have not asked for")
		}
		if len(rest) < prefixBytes+length {
			break
		}
		k.messages++
		if err := k.onMessage(rest[prefixBytes : prefixBytes+length]); err != nil {
			return err
		}
		rest = rest[prefixBytes+length:]
	}
	k.received = append(k.received[:0], rest...)
	return nil
}

func (c *connection) headers(f *http2.MetaHeadersFrame) error {
	if !f.StreamEnded() {
		if status := f.PseudoValue("status"); status != "200" {
			return fmt.Errorf("HTTP status %s", status)
		}
		return nil
	}
	k := c.called(f.StreamID)
	if k == nil {
		return fmt.Errorf("an end of stream %d, which nobody waits for", f.StreamID)
	}
	status, message := "", ""
	for _, field := range f.Fields {
		switch field.Name {
		case "grpc-status":
			status = field.Value
		case "grpc-message":
			message = field.Value
		}
	}
	if status != "0" {
		return fmt.Errorf("gRPC status %q %s", status, message)
	}
	if k.messages == 0 || len(k.received) > 0 {
		return errors.New("an answer without a whole message")
	}
	c.mu.Lock()
	delete(c.calls, f.StreamID)
	c.mu.Unlock()
	return k.onEnd()
}
