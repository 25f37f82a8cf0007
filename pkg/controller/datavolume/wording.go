// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"fmt"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// wording is how upstream speaks of one kind of transfer: its phases, and the reasons and texts of its events.
type wording struct {
	scheduled, inProgress cdiv1.DataVolumePhase
	succeeded, failed     string
	complete              string
	// pulls is true where the source is a container image.
	pulls bool

	scheduledText, inProgressText, succeededText, failedText string
}

func wordingOf(dv *cdiv1.DataVolume) wording {
	source := copied(dv)
	if source == nil {
		return wording{
			scheduled: cdiv1.ImportScheduled, inProgress: cdiv1.ImportInProgress,
			succeeded: "ImportSucceeded", failed: "ImportFailed",
			complete:       "Import Complete",
			pulls:          dv.Spec.Source != nil && dv.Spec.Source.Registry != nil,
			scheduledText:  fmt.Sprintf("Import into %s scheduled", dv.Name),
			inProgressText: fmt.Sprintf("Import into %s in progress", dv.Name),
			succeededText:  fmt.Sprintf("Successfully imported into PVC %s", dv.Name),
			failedText:     fmt.Sprintf("Failed to import into PVC %s", dv.Name),
		}
	}
	between := fmt.Sprintf("from %s/%s into %s/%s", source.Namespace, source.Name, dv.Namespace, dv.Name)
	return wording{
		scheduled: cdiv1.CloneScheduled, inProgress: cdiv1.CloneInProgress,
		succeeded: "CloneSucceeded", failed: "CloneFailed",
		complete:       "Clone Complete",
		scheduledText:  fmt.Sprintf("Cloning %s scheduled", between),
		inProgressText: fmt.Sprintf("Cloning %s in progress", between),
		succeededText:  fmt.Sprintf("Successfully cloned %s", between),
		failedText:     fmt.Sprintf("Cloning %s failed", between),
	}
}
