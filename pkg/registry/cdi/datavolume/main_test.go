// SPDX-License-Identifier: Apache-2.0

package datavolume_test

import (
	"os"
	"testing"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

var etcd registrytest.Etcd

func TestMain(m *testing.M) { os.Exit(etcd.Main(m)) }
