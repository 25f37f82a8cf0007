// SPDX-License-Identifier: Apache-2.0

package verbatim

import (
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/conversion"
)

// Equal is apiequality.Semantic.DeepEqual by which 1024Mi and 1Gi are equal, too.
func Equal(a, b any) bool { return equalities.DeepEqual(a, b) }

var equalities = func() conversion.Equalities {
	semantic := apiequality.Semantic.Copy()
	if err := semantic.AddFunc(func(a, b Quantity) bool { return a.Cmp(b) == 0 }); err != nil {
		panic(err)
	}
	return semantic
}()
