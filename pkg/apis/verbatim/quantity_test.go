// SPDX-License-Identifier: Apache-2.0

package verbatim_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

func TestAQuantityKeepsItsText(t *testing.T) {
	for _, written := range []string{`"1024Mi"`, `"1Gi"`, `"1000m"`, `1`, `0.5`, `"0"`, `"1e3"`, `1073741824`, `"0.50"`} {
		var quantity verbatim.Quantity
		require.NoError(t, json.Unmarshal([]byte(written), &quantity), written)
		kept, err := json.Marshal(quantity)
		require.NoError(t, err)
		assert.Equal(t, written, string(kept))
	}
}

func TestWhatIsNoQuantityIsRefused(t *testing.T) {
	for _, written := range []string{`"1 Gi"`, `true`, `""`, `{}`, `[]`} {
		assert.Error(t, json.Unmarshal([]byte(written), new(verbatim.Quantity)), written)
	}
}

func TestQuantitiesAreComparedByTheirAmount(t *testing.T) {
	assert.True(t, verbatim.Equal(&verbatim.VolumeResourceRequirements{Requests: verbatim.ResourceList{"cpu": verbatim.MustParse("1")}},
		&verbatim.VolumeResourceRequirements{Requests: verbatim.ResourceList{"cpu": verbatim.MustParse("1000m")}}))
	assert.Zero(t, verbatim.MustParse("1024Mi").Cmp(verbatim.MustParse("1Gi")))
	assert.Positive(t, verbatim.MustParse("2").Cmp(verbatim.MustParse("1000m")))
	assert.EqualValues(t, 1, verbatim.MustParse("999m").Value())
	assert.True(t, verbatim.Quantity{}.IsZero())
	assert.Equal(t, "0", verbatim.Quantity{}.String())
}
