// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

func TestWhoeverHasAClaimAdoptedMustBeAllowedToDeleteIt(t *testing.T) {
	dv := &cdiv1.DataVolume{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "disk"}}
	assert.Empty(t, references(dv))
	dv.Annotations = map[string]string{"cdi.kubevirt.io/allowClaimAdoption": "true"}
	found := references(dv)
	require.Len(t, found, 1)
	assert.Equal(t, "metadata.annotations[cdi.kubevirt.io/allowClaimAdoption]", found[0].Path.String())
	assert.Equal(t, []string{"delete", "persistentvolumeclaims", "disk"}, []string{found[0].Verb, found[0].Resource.Resource, found[0].Name})
}
