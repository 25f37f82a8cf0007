// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"

	"k8s.io/client-go/tools/cache"
)

// Listener is who hears of the changes of an informer.
type Listener struct {
	Informer cache.SharedIndexInformer
	Handler  cache.ResourceEventHandler
}

// Listen has each listener hear of its informer. It returns what tells that all have heard of what there was.
func Listen(listeners ...Listener) ([]cache.DoneChecker, error) {
	synced := make([]cache.DoneChecker, 0, len(listeners))
	for _, l := range listeners {
		registration, err := l.Informer.AddEventHandler(l.Handler)
		if err != nil {
			return nil, fmt.Errorf("listen to an informer: %w", err)
		}
		synced = append(synced, registration.HasSyncedChecker())
	}
	return synced, nil
}
