// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// Importers fills claims. A claim is known by its namespace and name; there is at most one import for each.
type Importers interface {
	// Start makes sure that the claim is being filled, waits in line, or is filled. It is idempotent and does
	// not wait: where an import of this claim exists, in whatever phase, nothing changes. An import of an
	// earlier claim of the same name is stopped first.
	Start(ctx context.Context, imp Import) error
	// State says where the import stands; false where there is none. A claim that was filled by an earlier
	// run of the program has no import until Start, which then succeeds at once.
	State(claim types.NamespacedName) (ImportState, bool)
	// Stop ends the import and forgets it. What was written so far is removed, a filled claim stays filled.
	// Stopping what is not there succeeds. After Stop the claim can be started again.
	Stop(ctx context.Context, claim types.NamespacedName) error
	// OnChange sets who is told, by the claim's name, each time that a State changed. It is called once,
	// before the first Start. notify must not block.
	OnChange(notify func(claim types.NamespacedName))
}

// Import is a claim to fill and what with. It holds secrets: it is not logged, and no command line,
// environment or file carries it.
type Import struct {
	// Claim is bound.
	Claim *corev1.PersistentVolumeClaim
	// Size is what the guest sees, in bytes.
	Size int64
	// HTTP is the source, references resolved; or Container, an image in a registry. With none of them and no
	// Source the disk stays empty.
	HTTP      *source.HTTP
	Container *source.Container
	// Source is a claim whose disk is copied. It is bound and filled.
	Source *corev1.PersistentVolumeClaim
	// Preallocate takes Size from the storage at once.
	Preallocate bool
	// Attempt is the caller's count; State returns it.
	Attempt int32
}

// ImportPhase is where an import is in its life.
type ImportPhase string

const (
	// ImportScheduled waits for its turn or its workload.
	ImportScheduled ImportPhase = "Scheduled"
	// ImportRunning transfers.
	ImportRunning ImportPhase = "Running"
	// ImportSucceeded: the claim is filled, durably.
	ImportSucceeded ImportPhase = "Succeeded"
	// ImportFailed: nothing is left on the claim; Failure says why.
	ImportFailed ImportPhase = "Failed"
)

// InUseError is that a claim can't be copied while an instance may write to it.
type InUseError struct {
	Claim    types.NamespacedName
	Instance string
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("instance %s/%s may write to claim %s: it is copied once the instance has stopped", e.Claim.Namespace, e.Instance, e.Claim)
}

// ImportState is where an import stands.
type ImportState struct {
	// Claim is the UID of the claim that Start was given, and Attempt its count.
	Claim   types.UID
	Attempt int32
	Phase   ImportPhase
	// Progress is between 0 and 1, negative while it is not known.
	Progress float64
	// Waiting says, while Phase is ImportScheduled, what has to end before the source can be copied. It is
	// empty where the import only waits for its turn.
	Waiting string
	// Failure is set when Phase is ImportFailed.
	Failure *failure.Error
	// Labels are those that a container image asks for, once Phase is ImportSucceeded. A claim that was filled by an
	// earlier run of the program has none.
	Labels map[string]string
}
