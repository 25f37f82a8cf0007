// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// soon is how long anything may take that is not said to take longer.
	soon = 2 * time.Minute
	// tick is how often a condition is looked at.
	tick = 100 * time.Millisecond
)

// API is a server, as clients know it.
type API struct {
	Config  *rest.Config
	Core    kubernetes.Interface
	Dynamic dynamic.Interface

	kubectl, kubeconfig, cache string
}

// New returns the API that the kubeconfig leads to. kubectl is the path of the program, and cache that of a
// directory for what it learns by discovery: another server may have had this one's address.
func New(kubectl, kubeconfig, cache string) (*API, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.WarningHandlerWithContext = rest.NoWarnings{}
	core, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &API{Config: config, Core: core, Dynamic: objects, kubectl: kubectl, kubeconfig: kubeconfig, cache: cache}, nil
}

// Test runs all tests, each in parallel with all others.
func (a *API) Test(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"every verb of every version":                                a.everyVerbOfEveryVersion,
		"tables have upstream's columns":                             a.tablesHaveUpstreamsColumns,
		"get all shows each kind":                                    a.getAllShowsEachKind,
		"apply twice changes nothing":                                a.applyTwiceChangesNothing,
		"a spec stays as it was written":                             a.specStaysAsItWasWritten,
		"kubectl refuses an unknown field":                           a.kubectlRefusesAnUnknownField,
		"an invalid machine has a cause for each field":              a.invalidMachineHasACauseForEachField,
		"hostile text is refused":                                    a.hostileTextIsRefused,
		"kubectl works on machines as on any kind":                   a.kubectlWorksOnMachinesAsOnAnyKind,
		"watch shows each change as a table row":                     a.watchShowsEachChangeAsATableRow,
		"explain knows fields":                                       a.explainKnowsFields,
		"OpenAPI v2 describes each kind":                             a.openAPIv2DescribesEachKind,
		"OpenAPI v3 has a document for each version":                 a.openAPIv3HasADocumentForEachVersion,
		"api-resources lists kinds with short names and category":    a.apiResourcesListsKinds,
		"discovery of a version lists subresources with verbs":       a.discoveryListsSubresources,
		"discovery offers controllers only what is stored":           a.discoveryOffersOnlyWhatIsStored,
		"aggregated discovery holds each version":                    a.aggregatedDiscoveryHoldsEachVersion,
		"preferred versions are upstream's":                          a.preferredVersionsAreUpstreams,
		"namespace deletion takes everything along":                  a.namespaceDeletionTakesEverythingAlong,
		"nothing is created in a namespace that is missing or going": a.nothingIsCreatedInANamespaceThatIsGoing,
		"what an owner owned is collected":                           a.ownedIsCollected,
		"foreground deletion waits for the owned":                    a.foregroundDeletionWaits,
		"orphans stay": a.orphansStay,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// Command is a command of kubectl, or of another program that is a client as it is.
func (a *API) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+a.kubeconfig, "KUBECACHEDIR="+a.cache)
	return command
}

// Run runs a command and gives what it printed to standard output and standard error.
func Run(command *exec.Cmd, stdin string) (output, message string, err error) {
	var out, errOut bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &out, &errOut
	err = command.Run()
	return out.String(), errOut.String(), err
}

// Kubectl runs a command that must succeed and gives what it printed.
func (a *API) Kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return a.KubectlWith(t, "", args...)
}

// KubectlWith is Kubectl with something on its standard input.
func (a *API) KubectlWith(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	output, message, err := a.TryKubectl(t, stdin, args...)
	require.NoError(t, err, "kubectl %s\n%s%s", strings.Join(args, " "), output, message)
	return output
}

// TryKubectl gives what was printed to standard output and standard error.
func (a *API) TryKubectl(t *testing.T, stdin string, args ...string) (output, message string, err error) {
	return Run(a.Command(t.Context(), a.kubectl, args...), stdin)
}

// Namespace makes a namespace that is deleted when the test is over.
func (a *API) Namespace(t *testing.T) string {
	t.Helper()
	ns, err := a.Core.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = a.Core.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{})
	})
	return ns.Name
}
