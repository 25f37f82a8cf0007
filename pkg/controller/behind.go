// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Behind is the error of a loop whose cache has not learned yet what the server knows of an object. It is a
// conflict: the loop looks again soon, and decides from what the cache knows then.
//
// A cache is good enough to find out that there is nothing to do, and for what a write of a known version then
// confirms. Before a loop makes, ends or refuses something for good, it asks the server.
func Behind(resource schema.GroupResource, name string) error {
	return apierrors.NewConflict(resource, name, errors.New("the cache has not learned of its newest version yet"))
}
