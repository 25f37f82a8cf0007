// SPDX-License-Identifier: Apache-2.0

package cluster

import "testing"

func TestAPI(t *testing.T) {
	t.Parallel()
	shared.Test(t)
}
