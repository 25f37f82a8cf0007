// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// answers has the server answer a get with object, or that there is none, until the returned function is called: the
// cache is behind as long.
func answers(fake interface {
	PrependReactor(verb, resource string, reaction clienttesting.ReactionFunc)
}, resource string, object runtime.Object) (learn func()) {
	var learned atomic.Bool
	fake.PrependReactor("get", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		if object == nil {
			return !learned.Load(), nil, apierrors.NewNotFound(corev1.Resource(resource), volume.Name)
		}
		return !learned.Load(), object, nil
	})
	return func() { learned.Store(true) }
}

func TestADiskOfWhichTheCacheIsBehindIsNotFilled(t *testing.T) {
	filled := newVolume(func(dv *cdiv1.DataVolume) { dv.ResourceVersion, dv.Status.Phase = "7", cdiv1.Succeeded })
	for name, live := range map[string]*cdiv1.DataVolume{
		"filled":     filled,
		"made again": newVolume(func(dv *cdiv1.DataVolume) { dv.UID = "dv-2" }),
		"gone":       nil,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(newVolume())
				var object runtime.Object
				if live != nil {
					object = live
				}
				learn := answers(w.virt, "datavolumes", object)
				w.bind("claim-1")
				assert.Zero(t, w.attempts())
				learn()
				w.pass(obstacleRetry)
				assert.Equal(t, 1, w.attempts())
			}, localClass())
		})
	}
}

func TestADiskWhoseClaimIsGoneOnlyInTheCacheStaysFilled(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume())
		w.bind("claim-1")
		w.succeed()
		require.Equal(t, cdiv1.Succeeded, w.volume().Status.Phase)
		answers(w.core, "persistentvolumeclaims", w.claim())
		w.deleteClaim()
		assert.Equal(t, cdiv1.Succeeded, w.volume().Status.Phase)
		assert.Equal(t, 1, w.attempts())
	}, localClass())
}

func TestAForeignClaimThatIsThereOnlyInTheCacheIsNoObstacle(t *testing.T) {
	inWorld(t, func(w *world) {
		learn := answers(w.core, "persistentvolumeclaims", nil)
		w.create(newVolume())
		assert.NotContains(t, w.told(), "ErrClaimNotValid")
		learn()
		w.pass(obstacleRetry)
		assert.Contains(t, w.told(), "ErrClaimNotValid")
	}, localClass(), &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: volume.Namespace, Name: volume.Name, UID: "foreign"}})
}
