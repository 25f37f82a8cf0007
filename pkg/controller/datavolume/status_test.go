// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

func TestProgressIsWrittenAsUpstreamDoes(t *testing.T) {
	for progress, want := range map[float64]cdiv1.DataVolumeProgress{
		-1: "N/A", 0: "0.00%", 0.4217: "42.17%", 1: "100.00%",
	} {
		assert.Equal(t, want, formatProgress(progress))
	}
	for text, want := range map[cdiv1.DataVolumeProgress]float64{"N/A": -1, "": -1, "42.17%": 42.17, "100.0%": 100} {
		assert.Equal(t, want, percent(text))
	}
}

func TestConditionTimesTellWhenSomethingChanged(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int) metav1.Time { return metav1.NewTime(start.Add(time.Duration(s) * time.Second)) }
	status := func(n *next, seconds int) *next {
		dv := &cdiv1.DataVolume{Status: n.DataVolumeStatus}
		return nextOf(dv, at(seconds).Time)
	}
	n := nextOf(&cdiv1.DataVolume{ObjectMeta: metav1.ObjectMeta{Name: "disk"}}, at(0).Time)
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionFalse, "A", "")
	n = status(n, 1)
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionFalse, "A", "")
	running := n.Condition(cdiv1.DataVolumeRunning)
	assert.Equal(t, at(0), running.LastHeartbeatTime, "nothing new")
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionFalse, "B", "")
	assert.Equal(t, at(0), running.LastTransitionTime)
	assert.Equal(t, at(1), running.LastHeartbeatTime)
	n = status(n, 2)
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionTrue, "B", "")
	running = n.Condition(cdiv1.DataVolumeRunning)
	assert.Equal(t, at(2), running.LastTransitionTime)
	assert.Len(t, n.Conditions, 1)
}

func TestDelaysDoubleUpToFiveMinutes(t *testing.T) {
	for failures, want := range map[int32]time.Duration{
		0: 0, 1: 10 * time.Second, 2: 20 * time.Second, 5: 160 * time.Second, 6: 5 * time.Minute, 7: 5 * time.Minute, 1 << 30: 5 * time.Minute,
	} {
		assert.Equal(t, want, retryDelay(failures))
	}
}

func TestADiskFitsIntoTheVolumeThatIsMadeForIt(t *testing.T) {
	for _, o := range []overhead{0, 1, 60, 333, 999} {
		for _, size := range []int64{mib, 3 * mib, 1023 * mib, 1 << 40, 1 << 50} {
			assert.Equal(t, size, o.remove(o.add(size)), "overhead %d, size %d", o, size)
		}
	}
}
