package main

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	pathRange = "/etcdserverpb.KV/Range"
	pathPut   = "/etcdserverpb.KV/Put"
	pathTxn   = "/etcdserverpb.KV/Txn"
	pathWatch = "/etcdserverpb.Watch/Watch"
)

// Field numbers are those of etcd's rpc.proto; each function appends one message.

func appendBytes(b []byte, field protowire.Number, value []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, value)
}

func appendInt(b []byte, field protowire.Number, value int64) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(value))
}

func appendPut(b, key, value []byte) []byte {
	return appendBytes(appendBytes(b, 1, key), 2, value)
}

type rangeOptions struct {
	end          []byte
	serializable bool
	countOnly    bool
}

func appendRange(b, key []byte, o rangeOptions) []byte {
	b = appendBytes(b, 1, key)
	if o.end != nil {
		b = appendBytes(b, 2, o.end)
	}
	if o.serializable {
		b = appendInt(b, 7, 1)
	}
	if o.countOnly {
		b = appendInt(b, 9, 1)
	}
	return b
}

// appendSwap is Kubernetes' update: put if the key's modification revision is that one (0: if there is none), else get it.
func appendSwap(b, key, value []byte, revision int64) []byte {
	const equal, mod = 0, 2
	compare := appendInt(appendInt(nil, 1, equal), 2, mod)
	compare = appendInt(appendBytes(compare, 3, key), 6, revision)
	b = appendBytes(b, 1, compare)
	b = appendBytes(b, 2, appendBytes(nil, 2, appendPut(nil, key, value)))
	return appendBytes(b, 3, appendBytes(nil, 1, appendRange(nil, key, rangeOptions{})))
}

func appendWatchCreate(b, key, end []byte) []byte {
	return appendBytes(b, 1, appendBytes(appendBytes(nil, 1, key), 2, end))
}

// framed puts gRPC's prefix before a message that was built behind five spare bytes.
func framed(b []byte) []byte {
	b[0] = 0
	binary.BigEndian.PutUint32(b[1:prefixBytes], uint32(len(b)-prefixBytes))
	return b
}

// spare makes room for the prefix in a buffer that is used again and again.
func spare(b []byte) []byte {
	return append(b[:0], 0, 0, 0, 0, 0)
}
