//go:build tools

// Package tools names what script/setup.sh builds for the tests of the chart: a real Kubernetes API server and its
// database, from pinned modules. Nothing of it ships.
package tools

import (
	_ "go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/kubernetes/cmd/kube-apiserver/app"
)
