// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Verdict is what a probe's answers amount to.
type Verdict string

// The verdicts.
const (
	// Undecided: too few answers yet.
	Undecided Verdict = ""
	// Passed: the last answers were good.
	Passed Verdict = "Passed"
	// Failed: the last answers were bad, or missing.
	Failed Verdict = "Failed"
)

// Result is a verdict and, where it is Failed, the last answer.
type Result struct {
	Verdict Verdict
	Message string
}

// Subject is an instance to be asked.
type Subject struct {
	Key types.NamespacedName
	UID types.UID
	// StartedAt is when its guest began to run.
	StartedAt time.Time
	// Idle is true while the guest can't answer by no fault of its own, as when it is paused.
	Idle bool
	// Liveness and Readiness are the questions; either may be nil. They do not change.
	Liveness, Readiness *kubevirtv1.Probe
	// Guest answers. The latest that was given counts.
	Guest Guest
}

// Prober asks guests. It is safe for concurrent use.
type Prober struct {
	// changed is called when a result has; it does not block.
	changed func(types.NamespacedName)

	mu       sync.Mutex
	subjects map[types.NamespacedName]*watch
	running  sync.WaitGroup
}

// New returns a Prober that has nobody to ask yet and calls changed when a result changes.
func New(changed func(types.NamespacedName)) *Prober {
	return &Prober{changed: changed, subjects: map[types.NamespacedName]*watch{}}
}

// watch is the attention to one instance.
type watch struct {
	end context.CancelFunc

	mu                  sync.Mutex
	subject             Subject
	liveness, readiness Result
}

func (w *watch) current() (guest Guest, idle bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.subject.Guest, w.subject.Idle
}

// Attend begins to ask subject, until Forget or the end of ctx, or takes what is new of one that is asked already.
func (p *Prober) Attend(ctx context.Context, subject Subject) {
	if subject.Liveness == nil && subject.Readiness == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.subjects[subject.Key]; known != nil {
		known.mu.Lock()
		same := known.subject.UID == subject.UID
		if same {
			known.subject.Guest, known.subject.Idle = subject.Guest, subject.Idle
		}
		known.mu.Unlock()
		if same {
			return
		}
		known.end()
	}
	ctx, end := context.WithCancel(ctx)
	w := &watch{end: end, subject: subject}
	p.subjects[subject.Key] = w
	if subject.Liveness != nil {
		p.running.Go(func() { p.run(ctx, w, subject.Liveness, &w.liveness) })
	}
	if subject.Readiness != nil {
		p.running.Go(func() { p.run(ctx, w, subject.Readiness, &w.readiness) })
	}
}

// Forget asks the instance of that name no more.
func (p *Prober) Forget(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.subjects[key]; w != nil {
		w.end()
		delete(p.subjects, key)
	}
}

// Wait returns once nobody is asked any more, for which all contexts must have ended. Nothing may be attended
// to after it was called.
func (p *Prober) Wait() { p.running.Wait() }

// Results of the instance; undecided where it is not asked.
func (p *Prober) Results(key types.NamespacedName, uid types.UID) (liveness, readiness Result) {
	p.mu.Lock()
	w := p.subjects[key]
	p.mu.Unlock()
	if w == nil {
		return Result{}, Result{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.subject.UID != uid {
		return Result{}, Result{}
	}
	return w.liveness, w.readiness
}

// run puts the question until ctx ends. Guests that started together are not asked together.
func (p *Prober) run(ctx context.Context, w *watch, probe *kubevirtv1.Probe, result *Result) {
	period := time.Duration(ptr.Deref(probe.PeriodSeconds, 0)) * time.Second
	if !sleep(ctx, time.Until(w.subject.StartedAt.Add(time.Duration(ptr.Deref(probe.InitialDelaySeconds, 0))*time.Second))) {
		return
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	if !sleep(ctx, rand.N(min(period, time.Second))) {
		return
	}
	row := row{}
	for ctx.Err() == nil {
		guest, idle := w.current()
		if !idle {
			if err := ask(ctx, guest, probe); ctx.Err() == nil && row.add(err) {
				p.judge(w, row.verdict(probe, err), result)
			}
		} else {
			row.clear()
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// judge keeps a result that says something new.
func (p *Prober) judge(w *watch, now Result, result *Result) {
	w.mu.Lock()
	changed := now.Verdict != Undecided && now.Verdict != result.Verdict
	if changed {
		*result = now
	}
	key := w.subject.Key
	w.mu.Unlock()
	if changed {
		p.changed(key)
	}
}

// row counts answers of one kind in a row.
type row struct{ good, bad int32 }

func (r *row) clear() { *r = row{} }

// add returns false for an error that says nothing of the guest.
func (r *row) add(err error) bool {
	switch {
	case err == nil:
		r.good, r.bad = r.good+1, 0
	case errors.Is(err, ErrUnknown):
		return false
	default:
		r.good, r.bad = 0, r.bad+1
	}
	return true
}

func (r *row) verdict(probe *kubevirtv1.Probe, err error) Result {
	switch {
	case r.good >= ptr.Deref(probe.SuccessThreshold, 0):
		return Result{Verdict: Passed}
	case r.bad >= ptr.Deref(probe.FailureThreshold, 0):
		return Result{Verdict: Failed, Message: err.Error()}
	}
	return Result{}
}

func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(max(wait, 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
