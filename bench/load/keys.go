package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
)

const keysInFolder = 1000

// listKey is the key of a number: a thousand keys share a folder, which a Range lists.
func listKey(b []byte, n int) []byte {
	return fmt.Appendf(b[:0], "/list/d%04d/k%03d", n/keysInFolder, n%keysInFolder)
}

// listFolder is the range of all keys in a key's folder.
func listFolder(n int) (key, end []byte) {
	folder := n / keysInFolder
	return fmt.Appendf(nil, "/list/d%04d/", folder), fmt.Appendf(nil, "/list/d%04d0", folder)
}

// freshPrefix has keys that no other run has.
func freshPrefix(name string) string {
	var random [6]byte
	rand.Read(random[:])
	return fmt.Sprintf("/%s/%s/", name, hex.EncodeToString(random[:]))
}

// values are slices of random bytes, so that nothing gets faster by compressing them.
type values struct {
	pool   []byte
	length int
}

func newValues(length int) *values {
	pool := make([]byte, 64<<10+length)
	rand.Read(pool)
	return &values{pool, length}
}

func (v *values) next() []byte {
	at := mathrand.IntN(len(v.pool) - v.length)
	return v.pool[at : at+v.length]
}
