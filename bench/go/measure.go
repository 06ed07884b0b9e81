package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"
)

type scenario struct {
	Measure     string `json:"measure"`
	Size        int    `json:"size"`
	Concurrency int    `json:"concurrency"`
}

// The same as in measurement.ts. The CPU of the process has the name that it has there.
type measurement struct {
	Value      float64 `json:"value"`
	P50        float64 `json:"p50,omitempty"`
	P99        float64 `json:"p99,omitempty"`
	RedisCPUUs float64 `json:"redisCpuUs,omitempty"`
	RedisCalls float64 `json:"redisCalls,omitempty"`
	OwnCPUUs   float64 `json:"nodeCpuUs,omitempty"`
}

type measuring struct {
	*queue
	meter meter
	url   string
}

func newMeasuring(q *queue, url string) *measuring { return &measuring{q, newMeter(url), url} }

func (m *measuring) measure(s scenario) (measurement, error) {
	if s.Concurrency == 0 {
		s.Concurrency = 1
	}
	switch s.Measure {
	case "enqueue-one":
		return m.enqueueing(s.Size, 1)
	case "enqueue-concurrent":
		return m.enqueueing(s.Size, s.Concurrency)
	case "process":
		if err := m.fill(s.Size); err != nil {
			return measurement{}, err
		}
		return m.drain(s.Size, s.Concurrency, s.Size)
	case "latency":
		return m.latency(s)
	case "memory":
		before := m.meter.usedMemory()
		err := m.fill(s.Size)
		return measurement{Value: (m.meter.usedMemory() - before) / float64(s.Size)}, err
	case "idle":
		return m.idle(s)
	case "due":
		return m.due(s)
	case "backlog":
		return m.backlog(s)
	}
	return measurement{}, fmt.Errorf("asynq has nothing to measure as %s", s.Measure)
}

// Runs work on size tasks and tells the rate and what it cost.
func (m *measuring) metered(size int, work func() (time.Duration, error)) (measurement, error) {
	before, cpu := m.meter.read(), ownCPU()
	took, err := work()
	n := float64(size)
	own, after := ownCPU()-cpu, m.meter.read()
	return measurement{
		Value:      n / took.Seconds(),
		OwnCPUUs:   own / n,
		RedisCPUUs: (after.cpuUs - before.cpuUs) / n,
		RedisCalls: (after.calls - before.calls) / n,
	}, err
}

func (m *measuring) enqueueing(size, inFlight int) (measurement, error) {
	const warmUp = 500
	if err := m.enqueueAll(warmUp, 1, time.Time{}); err != nil {
		return measurement{}, err
	}
	result, err := m.metered(size, func() (time.Duration, error) { return m.timedEnqueues(size, inFlight) })
	if err != nil {
		return result, err
	}
	return result, m.assertStored(warmUp + size)
}

func (m *measuring) timedEnqueues(size, inFlight int) (time.Duration, error) {
	start := time.Now()
	err := m.enqueueAll(size, inFlight, time.Time{})
	return time.Since(start), err
}

func (m *measuring) assertStored(size int) error {
	stored, err := m.leftover()
	if err == nil && stored != size {
		err = fmt.Errorf("%d of %d tasks are stored", stored, size)
	}
	return err
}

// Counts deliveries of tasks 0 … total-1: the proof that each was delivered exactly once.
type tally struct {
	mu              sync.Mutex
	seen            []bool
	distinct, again int
	complete        chan struct{}
}

func newTally(total int) *tally {
	return &tally{seen: make([]bool, total), complete: make(chan struct{})}
}

// Answers how many deliveries there were.
func (t *tally) add(n int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[n] {
		t.again++
		return t.distinct + t.again
	}
	t.seen[n] = true
	t.distinct++
	if t.distinct == len(t.seen) {
		close(t.complete)
	}
	return t.distinct + t.again
}

func (t *tally) assertExact() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.distinct == len(t.seen) && t.again == 0 {
		return nil
	}
	return fmt.Errorf("delivery is not exact: %d of %d came, %d came again", t.distinct, len(t.seen), t.again)
}

// Works size tasks off, of those that wait; the rate counts from the start of the server to the last handler.
func (m *measuring) drain(size, concurrency, waiting int) (measurement, error) {
	counted := newTally(waiting)
	reached := make(chan struct{})
	var stop func()
	result, err := m.metered(size, func() (time.Duration, error) {
		start := time.Now()
		server, err := m.serve(concurrency, func(p payload) {
			if counted.add(p.N) == size {
				close(reached)
			}
		})
		if err != nil {
			return 0, err
		}
		stop = server.Shutdown
		<-reached
		took := time.Since(start)
		if waiting == size {
			return took, m.untilEmpty()
		}
		return took, nil
	})
	if stop != nil {
		stop()
	}
	if err == nil && waiting == size {
		err = counted.assertExact()
	}
	return result, err
}

func (m *measuring) untilEmpty() error {
	for range 500 {
		left, err := m.leftover()
		if err != nil || left == 0 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("tasks are left in the store 5 s after the last one was handled")
}

// Starts this program once more, in another mode, so that the process under measurement begins cold and small.
func (m *measuring) other(mode string, args ...string) *exec.Cmd {
	own, err := os.Executable()
	must(err)
	command := exec.Command(own, append([]string{mode, m.url}, args...)...)
	command.Stderr = os.Stderr
	return command
}

func (m *measuring) fill(count int, extra ...string) error {
	return m.other("fill", append([]string{strconv.Itoa(count)}, extra...)...).Run()
}

// Times from the call of enqueue in another process to the handler, 50 tasks a second, on an otherwise idle server.
func (m *measuring) latency(s scenario) (measurement, error) {
	counted := newTally(s.Size)
	var mu sync.Mutex
	waits := []float64{}
	server, err := m.serve(s.Concurrency, func(p payload) {
		wait := float64(monotonic()-p.At) / 1e6
		mu.Lock()
		waits = append(waits, wait)
		mu.Unlock()
		counted.add(p.N)
	})
	if err != nil {
		return measurement{}, err
	}
	if err := m.other("trickle", strconv.Itoa(s.Size)).Run(); err != nil {
		return measurement{}, err
	}
	<-counted.complete
	server.Shutdown()
	// The first tasks meet cold code on both sides.
	sorted := slices.Sorted(slices.Values(waits[min(20, len(waits)-1):]))
	at := func(q float64) float64 { return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))] }
	return measurement{Value: at(0.5), P50: at(0.5), P99: at(0.99)}, counted.assertExact()
}

// Commands a second that a started server with one empty queue sends, over size seconds.
func (m *measuring) idle(s scenario) (measurement, error) {
	server, err := m.serve(s.Concurrency, func(payload) {})
	if err != nil {
		return measurement{}, err
	}
	time.Sleep(3 * time.Second)
	before := m.meter.read()
	time.Sleep(time.Duration(s.Size) * time.Second)
	after := m.meter.read()
	server.Shutdown()
	return measurement{Value: (after.calls - before.calls) / float64(s.Size)}, nil
}

// Seconds from the instant when size tasks fall due until all of them have started.
func (m *measuring) due(s scenario) (measurement, error) {
	dueAt := time.UnixMilli(time.Now().UnixMilli()).Add(20 * time.Second)
	if err := m.fill(s.Size, strconv.FormatInt(dueAt.UnixMilli(), 10)); err != nil {
		return measurement{}, err
	}
	if time.Until(dueAt) < time.Second {
		return measurement{}, fmt.Errorf("filling took longer than the delay")
	}
	counted := newTally(s.Size)
	server, err := m.serve(s.Concurrency, func(p payload) { counted.add(p.N) })
	if err != nil {
		return measurement{}, err
	}
	<-counted.complete
	took := time.Since(dueAt).Seconds()
	server.Shutdown()
	return measurement{Value: took}, counted.assertExact()
}

// The rate with size tasks waiting, as a part of the rate with 50,000.
func (m *measuring) backlog(s scenario) (measurement, error) {
	small := min(50_000, s.Size/2)
	if err := m.fill(small); err != nil {
		return measurement{}, err
	}
	empty, err := m.drain(small, s.Concurrency, small)
	if err != nil {
		return measurement{}, err
	}
	m.meter.clear()
	if err := m.fill(s.Size); err != nil {
		return measurement{}, err
	}
	full, err := m.drain(small, s.Concurrency, s.Size)
	return measurement{Value: full.Value / empty.Value}, err
}
