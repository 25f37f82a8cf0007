// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// suite is what all tests of this package share.
var suite struct {
	*harness.Suite
	containers *containerImages
	// server is for tests that do it no harm.
	server *server
}

func TestMain(m *testing.M) {
	harness.Main(m, func(s *harness.Suite) error {
		suite.Suite, suite.server = s, &server{Server: s.Server}
		var err error
		if suite.containers, err = makeContainerImages(s.Folder, filepath.Join(s.Root, "linux.qcow2")); err != nil {
			return err
		}
		// Guests mostly wait: more tests at a time than there are processors.
		flag.Parse()
		return flag.Set("test.parallel", "4")
	})
}
