// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

const (
	eventTTL                   = time.Hour
	maxReportingInstanceLength = 128
)

// events live for an hour and come in far greater numbers than they are read.
func events() kind[*corev1.Event] {
	return kind[*corev1.Event]{
		groupVersion: corev1.SchemeGroupVersion,
		resource:     "events",
		singular:     "event",
		shortNames:   []string{"ev"},
		newObject:    func() *corev1.Event { return &corev1.Event{} },
		newList:      func() runtime.Object { return &corev1.EventList{} },
		validName:    validation.NameIsDNSSubdomain,
		validate:     validateEvent,
		selectable:   eventFields,
		ttl:          eventTTL,
		noWatchCache: true,
		columns: []metav1.TableColumnDefinition{
			{Name: "Last Seen", Type: "string", Description: "How long ago it happened last."},
			{Name: "Type", Type: "string", Description: "Normal or Warning."},
			{Name: "Reason", Type: "string", Description: "What happened, in a word."},
			{Name: "Object", Type: "string", Description: "What it happened to."},
			{Name: "Subobject", Type: "string", Priority: 1, Description: "The part of the object that it happened to."},
			{Name: "Source", Type: "string", Priority: 1, Description: "Who reported it."},
			{Name: "Message", Type: "string", Description: "What happened."},
			{Name: "First Seen", Type: "string", Priority: 1, Description: "How long ago it happened first."},
			{Name: "Count", Type: "string", Priority: 1, Description: "How often it happened."},
			{Name: "Name", Type: "string", Priority: 1, Format: "name", Description: "The name of the event."},
		},
		cells: eventCells,
	}
}

// validateEvent tells whether the event is where the events of its object belong: in the object's namespace, or
// in a common one if the object has none.
func validateEvent(event *corev1.Event) field.ErrorList {
	of, old := event.InvolvedObject.Namespace, event.EventTime.IsZero()
	common := event.Namespace == metav1.NamespaceDefault || !old && event.Namespace == metav1.NamespaceSystem
	var errs field.ErrorList
	if of != event.Namespace && (of != "" || !common) {
		errs = append(errs, field.Invalid(field.NewPath("involvedObject", "namespace"), of, "does not match event.namespace"))
	}
	if old {
		return errs
	}
	return append(errs, validateReporter(event)...)
}

func validateReporter(event *corev1.Event) field.ErrorList {
	var errs field.ErrorList
	controller, instance := field.NewPath("reportingComponent"), field.NewPath("reportingInstance")
	if event.ReportingController == "" {
		errs = append(errs, field.Required(controller, ""))
	} else {
		for _, message := range utilvalidation.IsQualifiedName(event.ReportingController) {
			errs = append(errs, field.Invalid(controller, event.ReportingController, message))
		}
	}
	if event.ReportingInstance == "" {
		errs = append(errs, field.Required(instance, ""))
	}
	if len(event.ReportingInstance) > maxReportingInstanceLength {
		errs = append(errs, field.TooLong(instance, "", maxReportingInstanceLength))
	}
	return errs
}

func eventFields(event *corev1.Event) fields.Set {
	of := event.InvolvedObject
	return fields.Set{
		"involvedObject.kind":            of.Kind,
		"involvedObject.namespace":       of.Namespace,
		"involvedObject.name":            of.Name,
		"involvedObject.uid":             string(of.UID),
		"involvedObject.apiVersion":      of.APIVersion,
		"involvedObject.resourceVersion": of.ResourceVersion,
		"involvedObject.fieldPath":       of.FieldPath,
		"reason":                         event.Reason,
		"reportingComponent":             event.ReportingController,
		"source":                         cmp.Or(event.Source.Component, event.ReportingController),
		"type":                           event.Type,
	}
}

func eventCells(event *corev1.Event) []any {
	first, count := firstSeen(event), event.Count
	last := event.LastTimestamp
	switch {
	case event.Series != nil:
		last, count = metav1.Time(event.Series.LastObservedTime), event.Series.Count
	case last.IsZero():
		last = first
	}
	target := strings.ToLower(event.InvolvedObject.Kind)
	if event.InvolvedObject.Name != "" {
		target += "/" + event.InvolvedObject.Name
	}
	return []any{
		table.Age(last), event.Type, event.Reason, target, event.InvolvedObject.FieldPath, reporter(event),
		strings.TrimSpace(event.Message), table.Age(first), int64(max(count, 1)), event.Name,
	}
}

func firstSeen(event *corev1.Event) metav1.Time {
	if event.FirstTimestamp.IsZero() {
		return metav1.Time(event.EventTime)
	}
	return event.FirstTimestamp
}

func reporter(event *corev1.Event) string {
	component := cmp.Or(event.Source.Component, event.ReportingController)
	if instance := cmp.Or(event.Source.Host, event.ReportingInstance); instance != "" {
		return fmt.Sprintf("%s, %s", component, instance)
	}
	return component
}
