// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"strconv"

	apimachineryversion "k8s.io/apimachinery/pkg/version"
	basecompatibility "k8s.io/component-base/compatibility"

	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

// servedVersion is what GET /version answers: the Kubernetes API that is spoken, which clients compare with
// their own, and the product's build. The version that feature gates go by stays Kubernetes'.
type servedVersion struct {
	basecompatibility.EffectiveVersion
}

// Info implements basecompatibility.EffectiveVersion.
func (v servedVersion) Info() *apimachineryversion.Info {
	spoken, info := v.EmulationVersion(), version.Get()
	info.Major = strconv.FormatUint(uint64(spoken.Major()), 10)
	info.Minor = strconv.FormatUint(uint64(spoken.Minor()), 10)
	info.GitVersion = fmt.Sprintf("v%s.%s.0+virt-apiserver.%s", info.Major, info.Minor, version.InMetadata(info.GitVersion))
	return &info
}
