// SPDX-License-Identifier: Apache-2.0

package e2e

import "testing"

func TestAPI(t *testing.T) {
	t.Parallel()
	suite.server.Test(t)
}
