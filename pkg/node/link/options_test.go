// SPDX-License-Identifier: Apache-2.0

package link

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOptionsNameTheWrongFlag(t *testing.T) {
	assert.Empty(t, NewOptions().Validate())
	half := &Options{ClientCertificate: "x", Port: 0}
	errs := half.Validate()
	require.Len(t, errs, 2)
	assert.ErrorContains(t, errs[0], "--node-port")
	assert.ErrorContains(t, errs[1], "--node-certificate-authority")

	server := NewServerOptions()
	server.BindAddress, server.ClientNames = "everywhere", nil
	assert.Len(t, server.Validate(), 5)
}
