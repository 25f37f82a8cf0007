// SPDX-License-Identifier: Apache-2.0

// Package table turns objects and lists into the tables that kubectl get prints. The columns are each
// resource's own; they are not here.
package table

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Cells returns the cells of one object, one for each column.
type Cells[T runtime.Object] func(object T) []any

// Convertor is the rest.TableConvertor of resources whose objects are of type T.
type Convertor[T runtime.Object] struct {
	columns []metav1.TableColumnDefinition
	cells   Cells[T]
}

var _ rest.TableConvertor = &Convertor[runtime.Object]{}

// New returns a Convertor for the given columns.
func New[T runtime.Object](columns []metav1.TableColumnDefinition, cells Cells[T]) *Convertor[T] {
	return &Convertor[T]{columns: columns, cells: cells}
}

// ConvertToTable accepts an object or a list of them. The rows carry the objects, which the handlers
// reduce to what the client asked for.
func (c *Convertor[T]) ConvertToTable(_ context.Context, object, tableOptions runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if options, ok := tableOptions.(*metav1.TableOptions); !ok || !options.NoHeaders {
		table.ColumnDefinitions = c.columns
	}
	if !meta.IsListType(object) {
		accessor, err := meta.CommonAccessor(object)
		if err != nil {
			return nil, fmt.Errorf("convert %T to a table: %w", object, err)
		}
		table.ResourceVersion = accessor.GetResourceVersion()
		return table, c.addRow(table, object)
	}
	list, err := meta.ListAccessor(object)
	if err != nil {
		return nil, fmt.Errorf("convert %T to a table: %w", object, err)
	}
	table.ResourceVersion = list.GetResourceVersion()
	table.Continue = list.GetContinue()
	table.RemainingItemCount = list.GetRemainingItemCount()
	return table, meta.EachListItem(object, func(item runtime.Object) error { return c.addRow(table, item) })
}

func (c *Convertor[T]) addRow(table *metav1.Table, object runtime.Object) error {
	typed, ok := object.(T)
	if !ok {
		return fmt.Errorf("convert %T to a table: want %T", object, typed)
	}
	table.Rows = append(table.Rows, metav1.TableRow{
		Cells:  c.cells(typed),
		Object: runtime.RawExtension{Object: object},
	})
	return nil
}

// Age returns how long ago t was, as kubectl prints it.
func Age(t metav1.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(time.Since(t.Time))
}

// NameColumn is the first column of each table.
func NameColumn() metav1.TableColumnDefinition {
	return metav1.TableColumnDefinition{Name: "Name", Type: "string", Format: "name",
		Description: "Name is unique within a namespace."}
}

// AgeColumn is the last column of most tables.
func AgeColumn() metav1.TableColumnDefinition {
	return metav1.TableColumnDefinition{Name: "Age", Type: "string",
		Description: "How long ago the object was created."}
}
