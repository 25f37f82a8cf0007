// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// suite is what all tests of this package share.
var suite struct {
	*harness.Suite
	// virtctl is the path of KubeVirt's client.
	virtctl string
}

var update = flag.Bool("update", false, "write docs/reference/compatibility.md and run no test")

func TestMain(m *testing.M) {
	if flag.Parse(); *update {
		if err := writePage(); err != nil {
			fmt.Fprintln(os.Stderr, "write the page:", err)
			os.Exit(1)
		}
		return
	}
	harness.Main(m, func(s *harness.Suite) (err error) {
		suite.Suite = s
		suite.virtctl, err = harness.Tool("virtctl")
		return err
	})
}
