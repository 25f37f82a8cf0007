// SPDX-License-Identifier: Apache-2.0

package verbatim

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Quantity is an amount such as 1024Mi, in the words it was written in. The zero value is an amount of 0.
// Two quantities that are equal by == were also written alike; Cmp compares amounts.
type Quantity struct {
	// Text is what resource.ParseQuantity reads.
	Text string
	// Number says that the text had no quotes in JSON.
	Number bool
}

// NewQuantity writes an amount the way Kubernetes does.
func NewQuantity(amount resource.Quantity) Quantity { return Quantity{Text: amount.String()} }

// ParseQuantity takes what resource.ParseQuantity takes.
func ParseQuantity(text string) (Quantity, error) {
	if _, err := resource.ParseQuantity(text); err != nil {
		return Quantity{}, err
	}
	return Quantity{Text: text}, nil
}

// MustParse is ParseQuantity for a text that is known to be one.
func MustParse(text string) Quantity {
	quantity, err := ParseQuantity(text)
	if err != nil {
		panic(fmt.Sprintf("parse %q: %v", text, err))
	}
	return quantity
}

// Amount of the quantity. A text that is none, which no decoder lets in, counts as 0.
func (q Quantity) Amount() resource.Quantity {
	if q.Text == "" {
		return resource.Quantity{}
	}
	amount, err := resource.ParseQuantity(q.Text)
	if err != nil {
		return resource.Quantity{}
	}
	return amount
}

// Value is the amount, rounded up.
func (q Quantity) Value() int64 {
	amount := q.Amount()
	return amount.Value()
}

// Sign is -1, 0 or 1.
func (q Quantity) Sign() int {
	amount := q.Amount()
	return amount.Sign()
}

// IsZero says whether the amount is 0.
func (q Quantity) IsZero() bool { return q.Sign() == 0 }

// Cmp compares amounts.
func (q Quantity) Cmp(other Quantity) int {
	amount := q.Amount()
	return amount.Cmp(other.Amount())
}

// CmpInt64 compares the amount.
func (q Quantity) CmpInt64(other int64) int {
	amount := q.Amount()
	return amount.CmpInt64(other)
}

// String is the text.
func (q Quantity) String() string {
	if q.Text == "" {
		return "0"
	}
	return q.Text
}

// MarshalJSON gives what UnmarshalJSON took.
func (q Quantity) MarshalJSON() ([]byte, error) {
	if q.Number {
		return []byte(q.String()), nil
	}
	return json.Marshal(q.String())
}

// UnmarshalJSON takes a text or a number.
func (q *Quantity) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*q = Quantity{}
		return nil
	}
	read := Quantity{Text: string(data), Number: true}
	if data[0] == '"' {
		read.Number = false
		if err := json.Unmarshal(data, &read.Text); err != nil {
			return err
		}
	}
	if _, err := resource.ParseQuantity(read.Text); err != nil {
		return err
	}
	*q = read
	return nil
}

// OpenAPISchemaType implements the interface of kube-openapi.
func (Quantity) OpenAPISchemaType() []string { return []string{"string"} }

// OpenAPISchemaFormat has server-side apply take a text and a number.
func (Quantity) OpenAPISchemaFormat() string { return "int-or-string" }

// OpenAPIV3OneOfTypes implements the interface of kube-openapi.
func (Quantity) OpenAPIV3OneOfTypes() []string { return []string{"string", "number"} }

// ResourceList is amounts of resources.
type ResourceList map[corev1.ResourceName]Quantity

// Amounts of the list; nil where there is none.
func (l ResourceList) Amounts() corev1.ResourceList {
	if l == nil {
		return nil
	}
	amounts := make(corev1.ResourceList, len(l))
	for name, quantity := range l {
		amounts[name] = quantity.Amount()
	}
	return amounts
}
