// SPDX-License-Identifier: Apache-2.0

package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
	"k8s.io/apimachinery/pkg/types"
)

// maxRecord is the size in bytes above which a record is not ours.
const maxRecord = 64 << 10

// Record is what is known of an instance apart from its domain.
type Record struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid"`
	// UUID of the domain.
	UUID string `json:"uuid"`
	// User that QEMU runs as; 0 where it is libvirt's.
	User uint32 `json:"user,omitempty"`
	// StartedAt is zero until the domain was seen to run.
	StartedAt time.Time `json:"startedAt,omitzero"`
	// Deadline is when a guest that was asked to power off is ended; zero where it was not asked.
	Deadline time.Time `json:"deadline,omitzero"`
	// Cause is how the instance will have ended however its guest ends; nil where that counts.
	Cause *End `json:"cause,omitempty"`
	// Kill is how the instance will have ended once the launcher has destroyed its domain.
	Kill *End `json:"kill,omitempty"`
	// ThawAt is when file systems that were frozen are thawed; zero where they are not frozen.
	ThawAt time.Time `json:"thawAt,omitzero"`
	// Boot tells what the domain was made to boot; nil where its firmware looks for that.
	Boot *api.BootSums `json:"boot,omitempty"`
	// Credentials is the version of those that the guest was given.
	Credentials string `json:"credentials,omitempty"`
	// End is how the instance ended. It never changes once it is there.
	End *End `json:"end,omitempty"`
}

// End is how an instance ended.
type End struct {
	State   api.State `json:"state"`
	Reason  string    `json:"reason,omitempty"`
	Message string    `json:"message,omitempty"`
}

// parseRecord reads the record of the instance uid.
func parseRecord(raw []byte, uid string) (*Record, error) {
	if len(raw) > maxRecord {
		return nil, errors.New("record: too long")
	}
	var record Record
	if err := json.Unmarshal(raw, &record); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if err := domain.CheckIdentity(record.Namespace, record.Name, string(record.UID)); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if string(record.UID) != uid {
		return nil, fmt.Errorf("record: is of instance %s", record.UID)
	}
	return &record, nil
}
