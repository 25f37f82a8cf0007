// SPDX-License-Identifier: Apache-2.0

package processes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// succeeds waits until the import of a claim has succeeded.
func (m *machine) succeeds(claim types.NamespacedName) {
	m.t.Helper()
	for timeout := time.After(20 * time.Second); ; {
		if state, ok := m.State(claim); ok && state.Phase == workload.ImportSucceeded {
			return
		}
		select {
		case <-m.changes:
		case <-timeout:
			m.t.Fatalf("%s is not imported", claim)
		}
	}
}

func TestSourcesThatStallKeepNoOtherNamespaceWaiting(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 2)
	url, begun, _ := stall(t)
	for _, name := range []string{"slow-1", "slow-2", "slow-3"} {
		m.start(importOf(name, url))
	}
	receive(t, "a transfer that stalls", begun)
	other := importOf("disk", serveImage(t))
	other.Claim.Namespace = "other"
	require.NoError(t, m.Start(t.Context(), other))
	m.succeeds(types.NamespacedName{Namespace: "other", Name: "disk"})
	assert.Empty(t, begun, "one namespace has more than half of the slots")

	// What needs no server waits for none, in the same namespace either.
	blank := importOf("blank", "")
	blank.HTTP = nil
	m.start(blank)
	m.succeeds(key("blank"))
}
