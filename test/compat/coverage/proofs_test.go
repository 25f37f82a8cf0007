// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const repository = "../../.."

// TestEachAreaOfAGuestIsProven has a test for each area of which a field is held, and has that name the area's field.
func TestEachAreaOfAGuestIsProven(t *testing.T) {
	areas := map[string]bool{}
	for _, area := range Areas() {
		if area.HeldCount > 0 {
			assert.True(t, area.Proven(), "%s: no test sees what it does", area.Path)
			areas[area.Path] = true
		}
	}
	for path, proof := range proofs() {
		assert.True(t, areas[path], "%s: is no area of which a field is held", path)
		assert.True(t, hasTest(t, proof), "%s: there is no %s in %s", path, proof.test, proof.file)
		fields := proof.fields
		if fields == "" {
			fields = proof.file
		}
		text, err := os.ReadFile(filepath.Join(repository, fields))
		require.NoError(t, err)
		field := path[strings.LastIndex(path, ".")+1:]
		assert.Regexp(t, regexp.MustCompile(`(?i)\b`+field+`\b`), string(text), "%s is not in %s", field, fields)
	}
}

func hasTest(t *testing.T, proof proof) bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository, proof.file), nil, 0)
	require.NoError(t, err)
	for _, declared := range file.Decls {
		if function, ok := declared.(*ast.FuncDecl); ok && function.Name.Name == proof.test {
			return true
		}
	}
	return false
}
