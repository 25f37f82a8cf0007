// SPDX-License-Identifier: Apache-2.0

package controller

import "k8s.io/client-go/tools/cache"

// OnChange returns a handler that calls notify with each object that appears, changes (as it is now) or
// goes (as it was last known).
func OnChange[T any](notify func(T)) cache.ResourceEventHandler {
	call := func(obj any) {
		if tombstone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = tombstone.Obj
		}
		if typed, ok := obj.(T); ok {
			notify(typed)
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    call,
		UpdateFunc: func(_, obj any) { call(obj) },
		DeleteFunc: call,
	}
}
