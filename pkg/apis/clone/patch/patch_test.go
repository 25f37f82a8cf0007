// SPDX-License-Identifier: Apache-2.0

package patch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/patch"
)

func copying(from, to string) string {
	return fmt.Sprintf(`{"op": "copy", "from": %q, "path": %q}`, from, to)
}

func TestOperationsAreDoneInTheirOrder(t *testing.T) {
	got, err := patch.Apply([]byte(`{"a": {"b": 1}, "l": [1, 2]}`), []string{
		`{"op": "test", "path": "/a/b", "value": 1}`,
		`{"op": "replace", "path": "/a/b", "value": 2}`,
		copying("/a/b", "/a/c"),
		`{"op": "move", "from": "/l/0", "path": "/l/-"}`,
		`{"op": "remove", "path": "/a/b"}`,
		`{"op": "add", "path": "/a/d", "value": null}`,
	})
	require.NoError(t, err)
	assert.JSONEq(t, `{"a": {"c": 2, "d": null}, "l": [2, 1]}`, string(got))
}

func TestCopiesDoNotMakeTheDocumentGrowWithoutEnd(t *testing.T) {
	document := `{"metadata": {"annotations": {"note": "` + strings.Repeat("x", 1000) + `"}}}`
	doubled := make([]string, 0, patch.MaxOperations)
	for i := range 4 {
		doubled = append(doubled, copying("/metadata/annotations", fmt.Sprintf("/metadata/annotations/x%d", i)))
	}
	elsewhere := doubled
	for i := range patch.MaxOperations - len(doubled) {
		elsewhere = append(elsewhere, copying("/metadata/annotations/x3", fmt.Sprintf("/metadata/x%d", i)))
	}
	_, err := patch.Apply([]byte(document), elsewhere)
	assert.ErrorContains(t, err, "copy more than 65536 bytes")

	// Each is small, all together are not.
	var small []string
	for i := range patch.MaxOperations {
		small = append(small, copying("/metadata/annotations/note", fmt.Sprintf("/metadata/annotations/n%d", i)))
	}
	got, err := patch.Apply([]byte(document), small[:60])
	require.NoError(t, err)
	assert.Less(t, len(got), len(document)+patch.MaxCopied+60*len(small[0]))
	_, err = patch.Apply([]byte(strings.ReplaceAll(document, "xxxx", "yyyyyyyy")), small)
	assert.ErrorContains(t, err, "copy more than 65536 bytes")
}

func TestAnOperationThatIsWrongIsRefusedBeforeAnyIsDone(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for name, test := range map[string]struct{ operation, words string }{
		"no JSON":          {"not json", "no operation of JSON Patch"},
		"none":             {"", "has to be one operation"},
		"two":              {copying("/a", "/b") + "," + copying("/a", "/c"), "no operation of JSON Patch"},
		"another kind":     {`{"op": "merge", "path": "/a", "value": 1}`, "unsupported operation"},
		"no kind":          {`{"path": "/a", "value": 1}`, "unsupported operation"},
		"no path":          {`{"op": "remove"}`, "path"},
		"the whole":        {`{"op": "replace", "path": "", "value": {}}`, "must name a member"},
		"of the whole":     {copying("", "/a"), "must name a member"},
		"no from":          {`{"op": "move", "path": "/a"}`, "from"},
		"add nothing":      {`{"op": "add", "path": "/a"}`, "missing value"},
		"test for nothing": {`{"op": "test", "path": "/a"}`, "needs a value"},
		"a deep path":      {copying(strings.Repeat("/a", 40), "/b"), "at most 32 parts"},
		"to a deep path":   {copying("/b", strings.Repeat("/a", 40)), "at most 32 parts"},
		"a deep value":     {`{"op": "add", "path": "/a", "value": ` + deep + `}`, "deeper than 32"},
		"a deep list":      {`{"op": "add", "path": "/a", "value": ` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "deeper than 32"},
		"too long":         {`{"op": "add", "path": "/a", "value": "` + strings.Repeat("x", patch.MaxOperation) + `"}`, "at most 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, patch.Check(test.operation), test.words)
			_, err := patch.Apply([]byte(`{"a": 1}`), []string{`{"op": "remove", "path": "/a"}`, test.operation})
			assert.ErrorContains(t, err, test.words)
		})
	}
}
