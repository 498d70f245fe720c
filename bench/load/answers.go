package main

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

var errBroken = errors.New("an answer that is no protobuf message")

// each calls f with every field of a message: `number` for a varint, `value` for bytes.
func each(message []byte, f func(field protowire.Number, number uint64, value []byte) error) error {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errBroken
		}
		message = message[n:]
		var number uint64
		var value []byte
		switch kind {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(field, kind, message)
		}
		if n < 0 {
			return errBroken
		}
		if err := f(field, number, value); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}

type keyValue struct {
	key, value   []byte
	mod, version int64
}

func parseKeyValue(message []byte) (kv keyValue, err error) {
	err = each(message, func(field protowire.Number, number uint64, value []byte) error {
		switch field {
		case 1:
			kv.key = value
		case 3:
			kv.mod = int64(number)
		case 4:
			kv.version = int64(number)
		case 5:
			kv.value = value
		}
		return nil
	})
	return kv, err
}

// answer is what is checked of a Put's, Range's or Txn's response.
type answer struct {
	revision  int64
	kvs       int
	last      []byte // the last key-value, encoded
	count     int64
	succeeded bool
	responses int
	response  []byte // the last ResponseOp, encoded
}

func revisionOf(header []byte) (revision int64, err error) {
	err = each(header, func(field protowire.Number, number uint64, _ []byte) error {
		if field == 3 {
			revision = int64(number)
		}
		return nil
	})
	return revision, err
}

func parseRange(message []byte) (a answer, err error) {
	err = each(message, func(field protowire.Number, number uint64, value []byte) (err error) {
		switch field {
		case 1:
			a.revision, err = revisionOf(value)
		case 2:
			a.kvs++
			a.last = value
		case 4:
			a.count = int64(number)
		}
		return err
	})
	return a, err
}

func parseTxn(message []byte) (a answer, err error) {
	err = each(message, func(field protowire.Number, number uint64, value []byte) (err error) {
		switch field {
		case 1:
			a.revision, err = revisionOf(value)
		case 2:
			a.succeeded = number == 1
		case 3:
			a.responses++
			a.response = value
		}
		return err
	})
	return a, err
}

func checkPut(message []byte) error {
	a, err := parseRange(message)
	if err == nil && a.revision < 2 {
		err = fmt.Errorf("a put at revision %d", a.revision)
	}
	return err
}

func checkGet(message, key []byte, valueBytes int) error {
	a, err := parseRange(message)
	if err != nil {
		return err
	}
	if a.kvs != 1 {
		return fmt.Errorf("%d key-values for %s", a.kvs, key)
	}
	kv, err := parseKeyValue(a.last)
	if err == nil && (!bytes.Equal(kv.key, key) || len(kv.value) != valueBytes) {
		err = fmt.Errorf("key %s with %d bytes for %s", kv.key, len(kv.value), key)
	}
	return err
}

func checkList(message []byte, count int, valueBytes int) error {
	a, err := parseRange(message)
	if err != nil {
		return err
	}
	if a.kvs != count || a.count != int64(count) {
		return fmt.Errorf("%d key-values, count %d, instead of %d", a.kvs, a.count, count)
	}
	kv, err := parseKeyValue(a.last)
	if err == nil && len(kv.value) != valueBytes {
		err = fmt.Errorf("a value of %d bytes", len(kv.value))
	}
	return err
}

// swapped gives the key's modification revision as an update's answer tells it, and whether it was this update's.
func swapped(message []byte) (mod int64, succeeded bool, err error) {
	a, err := parseTxn(message)
	if err != nil || a.succeeded {
		return a.revision, a.succeeded, err
	}
	// responses[0].response_range.kvs[0]
	var found answer
	err = each(a.response, func(field protowire.Number, _ uint64, value []byte) (err error) {
		if field == 1 {
			found, err = parseRange(value)
		}
		return err
	})
	if err != nil {
		return 0, false, err
	}
	if found.kvs != 1 {
		return 0, false, fmt.Errorf("a refused update with %d key-values", found.kvs)
	}
	kv, err := parseKeyValue(found.last)
	return kv.mod, false, err
}
