package main

// A history as test/src/histories writes it. Times are nanoseconds of one monotonic clock; 64-bit numbers are
// strings, since JavaScript's JSON has no room for them.
type history struct {
	Operations []operation `json:"operations"`
	Leases     []lease     `json:"leases"`
	// What each watcher of the whole key space was sent, in its order.
	Watchers [][]delivery `json:"watchers"`
}

type operation struct {
	Client  int       `json:"client"`
	Call    int64     `json:"call"`
	Return  int64     `json:"return"`
	Request request   `json:"request"`
	Answer  *response `json:"answer"` // nil: it may have been done, be done later, or never
}

type request struct {
	Compares []compare `json:"compares"`
	Success  []step    `json:"success"`
	Failure  []step    `json:"failure"`
	At       int64     `json:"at,string"` // the revision that gets read at; 0: the newest
}

type compare struct {
	Key     string `json:"key"`
	Target  string `json:"target"` // mod, version or create, to be equal to:
	Operand int64  `json:"operand,string"`
}

type step struct {
	Type  string `json:"type"` // put, delete or get
	Key   string `json:"key"`
	End   string `json:"end"` // as etcd's range_end
	Value string `json:"value"`
	Lease int64  `json:"lease,string"`
}

type response struct {
	Revision  int64    `json:"revision,string"`
	Succeeded bool     `json:"succeeded"`
	Results   [][]pair `json:"results"` // of a get its pairs, of a put or delete the pairs before it
}

type pair struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Create  int64  `json:"create,string"`
	Mod     int64  `json:"mod,string"`
	Version int64  `json:"version,string"`
	Lease   int64  `json:"lease,string"`
}

// A lease ends once after it was granted, by its time or by a revocation: when, is checked elsewhere.
type lease struct {
	ID      int64 `json:"id,string"`
	Granted int64 `json:"granted"`
}

type delivery struct {
	Revision int64    `json:"revision,string"`
	At       int64    `json:"at"`
	Changes  []change `json:"changes"`
}

type change struct {
	Deleted bool `json:"deleted"`
	Pair    pair `json:"kv"`
}
