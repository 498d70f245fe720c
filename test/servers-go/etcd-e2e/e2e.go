// Package e2e only names etcd's own end-to-end tests, so that go.mod and go.sum hold what they need.
package e2e

import _ "go.etcd.io/etcd/tests/v3/common"
