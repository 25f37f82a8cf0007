// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"os"
	"testing"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/networktest"
)

// No test here may reach anything real.
func TestMain(m *testing.M) { os.Exit(networktest.Main(m)) }
