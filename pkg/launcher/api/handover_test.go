// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"
)

const (
	product  = "github.com/virt-apiserver/virt-apiserver/"
	messages = product + "pkg/launcher/api"
)

// toldToPeople are fields that only a person reads, who asks the launcher's socket.
var toldToPeople = []string{"Health.PID", "Health.LibvirtVersion", "Health.Accelerator"}

// TestWhatOneSideSetsTheOtherReads holds the launcher and those who call it against each other: what one sets in a
// message, the other has to read.
func TestWhatOneSideSetsTheOtherReads(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedImports | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedExportFile,
		Dir:  "../../..",
	}, "./pkg/launcher/...", "./pkg/node/...", "./pkg/registry/kubevirt/virtualmachineinstance")
	require.NoError(t, err)
	launcher, callers := newUse(), newUse()
	var scope *types.Scope
	for _, one := range loaded {
		require.Empty(t, one.Errors)
		switch {
		case one.PkgPath == messages: // with the client of the callers
			scope = one.Types.Scope()
			callers.add(one)
		case strings.HasPrefix(one.PkgPath, product+"pkg/launcher"):
			launcher.add(one)
		default:
			callers.add(one)
		}
	}
	require.NotNil(t, scope)
	fields := fieldsOf(scope)
	assert.Greater(t, len(fields), 50)
	for _, field := range fields {
		key := messages + "." + field
		there, back := callers.set[key] && launcher.read[key], launcher.set[key] && callers.read[key]
		assert.True(t, there || back || slices.Contains(toldToPeople, field),
			"%s: set by the callers: %t, read by the launcher: %t; set by the launcher: %t, read by the callers: %t",
			field, callers.set[key], launcher.read[key], launcher.set[key], callers.read[key])
	}
}

// fieldsOf are the fields of the messages in a package, as TYPE.FIELD.
func fieldsOf(scope *types.Scope) []string {
	var fields []string
	for _, name := range scope.Names() {
		message, ok := scope.Lookup(name).Type().Underlying().(*types.Struct)
		if !ok || !scope.Lookup(name).Exported() {
			continue
		}
		for i := range message.NumFields() {
			if reflect.StructTag(message.Tag(i)).Get("json") != "" {
				fields = append(fields, name+"."+message.Field(i).Name())
			}
		}
	}
	return fields
}

// use is which fields of structures some packages set and which they read, as PACKAGE.TYPE.FIELD.
type use struct{ set, read map[string]bool }

func newUse() *use { return &use{set: map[string]bool{}, read: map[string]bool{}} }

func (u *use) add(in *packages.Package) {
	for _, file := range in.Syntax {
		targets := map[ast.Expr]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, target := range n.Lhs {
					targets[target] = n.Tok == token.ASSIGN
				}
			case *ast.SelectorExpr:
				u.selected(in.TypesInfo, n, targets[n])
			case *ast.CompositeLit:
				u.literal(in.TypesInfo, n)
			case *ast.CallExpr:
				u.converted(in.TypesInfo, n)
			}
			return true
		})
	}
}

func (u *use) selected(info *types.Info, n *ast.SelectorExpr, target bool) {
	selection := info.Selections[n]
	if selection == nil || selection.Kind() != types.FieldVal {
		return
	}
	// All on the way are read, such as that which is embedded.
	of := selection.Recv()
	for i, index := range selection.Index() {
		field := structOf(of).Field(index)
		key := nameOf(of) + "." + field.Name()
		if target && i == len(selection.Index())-1 {
			u.set[key] = true
		} else {
			u.read[key] = true
		}
		of = field.Type()
	}
}

func structOf(of types.Type) *types.Struct {
	if pointer, ok := of.Underlying().(*types.Pointer); ok {
		of = pointer.Elem()
	}
	return of.Underlying().(*types.Struct)
}

func (u *use) literal(info *types.Info, n *ast.CompositeLit) {
	of := info.TypeOf(n)
	structure, ok := of.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i, element := range n.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			u.set[nameOf(of)+"."+pair.Key.(*ast.Ident).Name] = true
			continue
		}
		u.set[nameOf(of)+"."+structure.Field(i).Name()] = true
	}
}

// converted takes a structure that becomes one of another type as read.
func (u *use) converted(info *types.Info, n *ast.CallExpr) {
	if len(n.Args) != 1 || !info.Types[n.Fun].IsType() {
		return
	}
	from, to := info.TypeOf(n.Args[0]), info.TypeOf(n)
	structure, ok := from.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i := range structure.NumFields() {
		u.read[nameOf(from)+"."+structure.Field(i).Name()] = true
		u.set[nameOf(to)+"."+structure.Field(i).Name()] = true
	}
}

func nameOf(of types.Type) string {
	if pointer, ok := of.(*types.Pointer); ok {
		of = pointer.Elem()
	}
	named, ok := types.Unalias(of).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return ""
	}
	return named.Obj().Pkg().Path() + "." + named.Obj().Name()
}
