// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

func TestClaimHasManyReadersOrOneWriter(t *testing.T) {
	var r reservations
	claim := types.NamespacedName{Namespace: "ns", Name: "claim"}
	take := func(name string, writes bool) *use {
		return r.take(cache.NewObjectName("ns", name), []claimUse{{claim, writes}})
	}
	assert.Nil(t, take("a", false))
	assert.Nil(t, take("b", false))
	assert.NotNil(t, take("c", true))
	assert.True(t, r.drop(cache.NewObjectName("ns", "a")))
	assert.Equal(t, &use{claim: "claim", instance: "b"}, take("c", true))
	assert.True(t, r.drop(cache.NewObjectName("ns", "b")))
	assert.False(t, r.drop(cache.NewObjectName("ns", "b")))
	assert.Nil(t, take("c", true))
	assert.Equal(t, &use{claim: "claim", instance: "c"}, take("a", false))
}
