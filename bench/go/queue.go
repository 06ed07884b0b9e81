package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sys/unix"
)

const (
	queueName = "bench"
	taskType  = "bench"
)

var pad = strings.Repeat("x", 60)

// What travels in every task of every system: see systems/system.ts.
type payload struct {
	N   int    `json:"n"`
	At  int64  `json:"at"`
	Pad string `json:"pad"`
}

type queue struct {
	conn      asynq.RedisConnOpt
	client    *asynq.Client
	inspector *asynq.Inspector
}

func connect(url string) (*queue, error) {
	conn, err := asynq.ParseRedisURI(url)
	if err != nil {
		return nil, err
	}
	return &queue{conn, asynq.NewClient(conn), asynq.NewInspector(conn)}, nil
}

// The machine's monotonic clock, the same in every process.
func monotonic() int64 {
	var now unix.Timespec
	must(unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
	return now.Nano()
}

func (q *queue) enqueue(n int, options ...asynq.Option) error {
	bytes, err := json.Marshal(payload{n, monotonic(), pad})
	if err != nil {
		return err
	}
	_, err = q.client.Enqueue(asynq.NewTask(taskType, bytes), append(options, asynq.Queue(queueName))...)
	return err
}

// Enqueues tasks 0 … count-1, so many at a time.
func (q *queue) enqueueAll(count, inFlight int, dueAt time.Time) error {
	var options []asynq.Option
	if !dueAt.IsZero() {
		options = append(options, asynq.ProcessAt(dueAt))
	}
	var next atomic.Int64
	var lanes sync.WaitGroup
	errs := make(chan error, inFlight)
	for range inFlight {
		lanes.Add(1)
		go func() {
			defer lanes.Done()
			for n := int(next.Add(1)) - 1; n < count; n = int(next.Add(1)) - 1 {
				if err := q.enqueue(n, options...); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	lanes.Wait()
	close(errs)
	return <-errs
}

func (q *queue) trickle(count int) error {
	time.Sleep(time.Second)
	for n := range count {
		if err := q.enqueue(n); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// A server with the settings that a user would keep.
func (q *queue) serve(concurrency int, handle func(payload)) (*asynq.Server, error) {
	server := asynq.NewServer(q.conn, asynq.Config{
		Concurrency: concurrency,
		Queues:      map[string]int{queueName: 1},
		LogLevel:    asynq.WarnLevel,
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc(taskType, func(_ context.Context, task *asynq.Task) error {
		var p payload
		if err := json.Unmarshal(task.Payload(), &p); err != nil {
			return err
		}
		handle(p)
		return nil
	})
	return server, server.Start(mux)
}

// Tasks that the store still holds in the queue or as running.
func (q *queue) leftover() (int, error) {
	info, err := q.inspector.GetQueueInfo(queueName)
	if err != nil {
		return 0, err
	}
	return info.Pending + info.Active + info.Scheduled, nil
}
