// SPDX-License-Identifier: Apache-2.0

// Package version says which build this is. It is the product's own: the version of Kubernetes' component
// base stays Kubernetes', because feature gates are resolved against it.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	apimachineryversion "k8s.io/apimachinery/pkg/version"
)

// Set by the linker.
var (
	gitVersion = "v0.1.0-dev"
	gitCommit  = unknown
	buildDate  = "1970-01-01T00:00:00Z"
)

const (
	unknown = "unknown"
	dirty   = "-dirty"
)

// compatibleWith is the KubeVirt release whose wire API is spoken. Its clients compare their own
// version with the server's, so the server answers with it and names itself in the build metadata.
const compatibleWith = "v1.7.0"

// Get returns the product's own version.
func Get() apimachineryversion.Info {
	full := gitVersion + revision()
	return apimachineryversion.Info{
		GitVersion:   full,
		GitCommit:    gitCommit,
		GitTreeState: treeState(full),
		BuildDate:    buildDate,
		GoVersion:    runtime.Version(),
		Compiler:     runtime.Compiler,
		Platform:     fmt.Sprintf("%s/%s", runtime.GOOS, runtime.GOARCH),
	}
}

// treeState says whether the sources were those of a commit: git describe and revision tell by a suffix.
func treeState(version string) string {
	if strings.HasSuffix(version, dirty) {
		return "dirty"
	}
	return "clean"
}

// revision tells builds apart that were not given a version: by the commit that Go found, or nothing.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || gitCommit != unknown {
		return ""
	}
	var commit, suffix string
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			commit = "+" + setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			suffix = dirty
		}
	}
	return commit + suffix
}

// CompatibleWith returns the KubeVirt release whose wire API is spoken.
func CompatibleWith() string { return compatibleWith }

// KubeVirt returns the version that KubeVirt's clients are told, such as v1.7.0+virt-apiserver.v0.1.0.
func KubeVirt() apimachineryversion.Info {
	info := Get()
	info.GitVersion = compatibleWith + "+virt-apiserver." + InMetadata(info.GitVersion)
	return info
}

// InMetadata returns a version in a form that may be part of another's build metadata, which has no second plus.
func InMetadata(gitVersion string) string { return strings.ReplaceAll(gitVersion, "+", ".") }
