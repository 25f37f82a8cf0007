// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/randfill"
)

// rounds is how many objects of each kind are sent through our types; each fills every field that a random
// choice leaves in it.
const rounds = 200

// TestWhatIsHeldIsNotLost has each kind's upstream objects, with random content and without the fields that are
// not held, decoded and encoded by our type.
func TestWhatIsHeldIsNotLost(t *testing.T) {
	for _, kind := range kinds() {
		if kind.ours == nil {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			held, opaque := heldOf(kind), opaqueOf(kind)
			seen := map[string]bool{}
			for seed := range int64(rounds) {
				theirs := reflect.New(kind.theirs).Interface()
				filler(seed).Fill(theirs)
				sent := restrict(t, theirs, held, opaque, seen)
				ours := reflect.New(kind.ours).Interface()
				strict, err := strictjson.UnmarshalStrict(sent, ours)
				require.NoError(t, err, "seed %d", seed)
				require.Empty(t, strict, "seed %d: a held field is unknown", seed)
				back, err := json.Marshal(ours)
				require.NoError(t, err)
				require.Equal(t, withoutZeros(parse(t, sent)), withoutZeros(parse(t, back)), "seed %d", seed)
			}
			for path := range held {
				assert.True(t, seen[path], "%s was in no object, so the test says nothing of it", path)
			}
		})
	}
}

func heldOf(kind kind) map[string]bool {
	held := map[string]bool{}
	ours := paths(kind.ours)
	for path := range paths(kind.theirs) {
		if _, there := ours[path]; there {
			held[path] = true
		}
	}
	return held
}

// opaqueOf are the paths below which everything is held.
func opaqueOf(kind kind) map[string]bool {
	names := map[string]bool{}
	for name := range maps.Values(opaque) {
		names[name] = true
	}
	found := map[string]bool{}
	for path, form := range paths(kind.theirs) {
		if names[form] {
			found[path] = true
		}
	}
	return found
}

// filler fills an object with what is valid of its types, the same for the same seed.
func filler(seed int64) *randfill.Filler {
	return randfill.NewWithSeed(seed).NilChance(0.2).NumElements(1, 2).MaxDepth(20).Funcs(
		func(q *resource.Quantity, c randfill.Continue) {
			*q = *resource.NewQuantity((c.Int63n(1<<20)+1)<<20, resource.BinarySI)
		},
		func(meta *metav1.ObjectMeta, c randfill.Continue) { // what a template may have; the rest is Kubernetes' own
			c.Fill(&meta.Name)
			c.Fill(&meta.GenerateName)
			c.Fill(&meta.Namespace)
			c.Fill(&meta.Labels)
			c.Fill(&meta.Annotations)
			c.Fill(&meta.CreationTimestamp)
		},
		func(s *string, c randfill.Continue) { *s = "s" + c.String(12) },
		func(at *metav1.Time, c randfill.Continue) { *at = metav1.NewTime(time.Unix(c.Int63n(1<<31), 0).UTC()) },
		func(d *metav1.Duration, c randfill.Continue) { d.Duration = time.Duration(c.Int63n(1 << 40)) },
		func(v *intstr.IntOrString, c randfill.Continue) { *v = intstr.FromInt32(c.Int31()) },
		func(raw *runtime.RawExtension, _ randfill.Continue) { raw.Raw = []byte(`{"any":"object"}`) },
		func(fields *metav1.FieldsV1, _ randfill.Continue) { fields.Raw = []byte(`{"f:spec":{}}`) },
		func(*corev1.Affinity, randfill.Continue) {},
	)
}

// restrict is the object as JSON with what is held alone, and remembers in seen what that is.
func restrict(t *testing.T, object any, held, opaque, seen map[string]bool) []byte {
	t.Helper()
	raw, err := json.Marshal(object)
	require.NoError(t, err)
	restricted, err := json.Marshal(only(parse(t, raw), "", held, opaque, seen))
	require.NoError(t, err)
	return restricted
}

// only drops what is not held below the path.
func only(value any, path string, held, opaque, seen map[string]bool) any {
	seen[path] = true
	if opaque[path] {
		return value
	}
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = only(value[i], path+"[]", held, opaque, seen)
		}
	case map[string]any:
		if held[path+"{}"] {
			for key := range value {
				value[key] = only(value[key], path+"{}", held, opaque, seen)
			}
			return value
		}
		for key := range value {
			inner := key
			if path != "" {
				inner = path + "." + key
			}
			if !held[inner] {
				delete(value, key)
				continue
			}
			value[key] = only(value[key], inner, held, opaque, seen)
		}
	}
	return value
}

func parse(t *testing.T, raw []byte) any {
	t.Helper()
	var value any
	require.NoError(t, strictjson.UnmarshalCaseSensitivePreserveInts(raw, &value))
	return value
}

// withoutZeros leaves out members that are null, "", 0, false or empty lists, as types differ in whether they write
// them. An empty object is kept, as it often means something.
func withoutZeros(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = withoutZeros(value[i])
		}
	case map[string]any:
		for key, inner := range value {
			switch inner := inner.(type) {
			case nil:
				delete(value, key)
			case []any:
				if value[key] = withoutZeros(inner); len(inner) == 0 {
					delete(value, key)
				}
			case map[string]any:
				value[key] = withoutZeros(inner)
			default:
				if reflect.ValueOf(inner).IsZero() {
					delete(value, key)
				}
			}
		}
	}
	return value
}
