// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"testing"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/standalonetest"
)

// server is one for all tests, each of which has a namespace of its own.
var server *standalonetest.Server

func TestMain(m *testing.M) {
	standalonetest.Main(m, func(s *standalonetest.Server) { server = s })
}
