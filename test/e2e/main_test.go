// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"flag"
	"testing"

	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// suite is what all tests of this package share.
var suite struct {
	*harness.Suite
	// server is for tests that do it no harm.
	server *server
}

func TestMain(m *testing.M) {
	harness.Main(m, func(s *harness.Suite) error {
		suite.Suite, suite.server = s, &server{Server: s.Server}
		// Guests mostly wait: more tests at a time than there are processors.
		flag.Parse()
		return flag.Set("test.parallel", "6")
	})
}
