package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// httpConnection makes requests as APISIX's client does: HTTP/1.1, kept alive, no Content-Type, no Accept.
type httpConnection struct {
	socket net.Conn
	in     *bufio.Reader
	host   string
	out    []byte
	body   bytes.Buffer
}

func dialHTTP(target string) (*httpConnection, error) {
	socket, err := net.Dial("tcp", target)
	if err != nil {
		return nil, err
	}
	return &httpConnection{socket: socket, in: bufio.NewReader(socket), host: target}, nil
}

func (h *httpConnection) request(path string, body []byte) (*http.Response, error) {
	h.out = fmt.Appendf(h.out[:0],
		"POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lua-resty-http\r\nContent-Length: %d\r\n\r\n", path, h.host, len(body))
	h.out = append(h.out, body...)
	if _, err := h.socket.Write(h.out); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(h.in, nil)
	if err == nil && response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		err = fmt.Errorf("HTTP status %d %s", response.StatusCode, text)
	}
	return response, err
}

func (h *httpConnection) post(path string, body []byte) ([]byte, error) {
	response, err := h.request(path, body)
	if err != nil {
		return nil, err
	}
	h.body.Reset()
	_, err = h.body.ReadFrom(response.Body)
	return h.body.Bytes(), err
}

// luaBase64 is base64 as lua-cjson writes it, which escapes slashes.
func luaBase64(value []byte) string {
	return strings.ReplaceAll(base64.StdEncoding.EncodeToString(value), "/", `\/`)
}

// int64s are decimal strings in etcd's JSON.
type jsonKeyValue struct {
	Key         []byte `json:"key"`
	Value       []byte `json:"value"`
	ModRevision int64  `json:"mod_revision,string"`
}

type jsonAnswer struct {
	Header struct {
		Revision int64 `json:"revision,string"`
	} `json:"header"`
	Kvs   []jsonKeyValue `json:"kvs"`
	Count int64          `json:"count,string"`
}

func gatewayPut(h *httpConnection, key, value []byte) error {
	body := fmt.Appendf(nil, `{"value":"%s","prev_kv":true,"key":"%s"}`, luaBase64(value), luaBase64(key))
	text, err := h.post("/v3/kv/put", body)
	if err != nil {
		return err
	}
	var a jsonAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		return err
	}
	if a.Header.Revision < 2 {
		return fmt.Errorf("a put at revision %d", a.Header.Revision)
	}
	return nil
}

// gatewayGet reads one item: APISIX sends a range also for that, with every other field.
func gatewayGet(h *httpConnection, key []byte, valueBytes int) error {
	end := bytes.Clone(key)
	end[len(end)-1]++
	body := fmt.Appendf(nil, `{"sort_target":0,"max_create_revision":0,"key":"%s","limit":0,"serializable":false,`+
		`"min_create_revision":0,"range_end":"%s","keys_only":false,"max_mod_revision":0,"revision":0,"count_only":false,`+
		`"sort_order":0,"min_mod_revision":0}`, luaBase64(key), luaBase64(end))
	text, err := h.post("/v3/kv/range", body)
	if err != nil {
		return err
	}
	var a jsonAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		return err
	}
	if a.Count != 1 || len(a.Kvs) != 1 || !bytes.Equal(a.Kvs[0].Key, key) || len(a.Kvs[0].Value) != valueBytes {
		return fmt.Errorf("not the one value of %s: %s", key, text)
	}
	return nil
}

// gatewayLoop keeps one request in flight on each connection.
func gatewayLoop(o options) (any, error) {
	v := newValues(o.valueBytes)
	var one func(h *httpConnection, n int) error
	switch o.operation {
	case "put":
		one = func(h *httpConnection, n int) error {
			return gatewayPut(h, fmt.Appendf(nil, "/apisix/routes/%08d", n), v.next())
		}
	case "get":
		one = func(h *httpConnection, n int) error { return gatewayGet(h, listKey(nil, n), o.valueBytes) }
	default:
		return nil, fmt.Errorf("no operation of the gateway is called %s", o.operation)
	}
	m := newMeasure(o)
	err := inParallel(o.connections, func(int) error {
		h, err := dialHTTP(o.target)
		if err != nil {
			return err
		}
		defer h.socket.Close()
		for {
			sent := time.Now()
			if err := one(h, rand.IntN(o.keys)); err != nil {
				return err
			}
			if !m.answered(sent, time.Now(), false) {
				return nil
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return m.figures(), nil
}
