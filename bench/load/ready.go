package main

// ready ends without an error if the server answers a Range.
func ready(o options) (any, error) {
	request := framed(appendRange(spare(nil), []byte("/ready"), rangeOptions{}))
	return nil, once(o.target, pathRange, request, func([]byte) error { return nil })
}
