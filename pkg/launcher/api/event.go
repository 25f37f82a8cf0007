// SPDX-License-Identifier: Apache-2.0

package api

// Event tells of a domain whose status changed, or that is gone.
type Event struct {
	// Type is Status or Deleted. A stream begins with a Status for each domain, then one Synced.
	Type   EventType    `json:"type"`
	Status DomainStatus `json:"status,omitzero"`
}

// EventType is the kind of an Event.
type EventType string

// The kinds of events.
const (
	EventStatus  EventType = "Status"
	EventDeleted EventType = "Deleted"
	EventSynced  EventType = "Synced"
)
