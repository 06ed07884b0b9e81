package anyversion

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

// A length of time in Go's own words.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}

type newTask struct {
	Type    string `json:"type"`
	Payload string `json:"payload"`
	Options struct {
		MaxRetry  *int      `json:"maxRetry"`
		Queue     *string   `json:"queue"`
		TaskID    *string   `json:"taskId"`
		Timeout   *duration `json:"timeout"`
		Unique    *duration `json:"unique"`
		ProcessIn *duration `json:"processIn"`
		Retention *duration `json:"retention"`
		Group     *string   `json:"group"`
	} `json:"options"`
}

// Puts a task in its queue and answers its id.
func (p *peer) enqueue(t newTask) (any, error) {
	payload, err := hex.DecodeString(t.Payload)
	if err != nil {
		return nil, err
	}
	o := t.Options
	var options []asynq.Option
	add(&options, o.MaxRetry, asynq.MaxRetry)
	add(&options, o.Queue, asynq.Queue)
	add(&options, o.TaskID, asynq.TaskID)
	add(&options, o.Timeout, lengthOf(asynq.Timeout))
	add(&options, o.Unique, lengthOf(asynq.Unique))
	add(&options, o.ProcessIn, lengthOf(asynq.ProcessIn))
	add(&options, o.Retention, lengthOf(asynq.Retention))
	add(&options, o.Group, asynq.Group)
	info, err := p.client.Enqueue(asynq.NewTask(t.Type, payload), options...)
	if err != nil {
		return nil, err
	}
	return map[string]any{"ID": info.ID, "State": info.State.String()}, nil
}

func add[V any](list *[]asynq.Option, value *V, option func(V) asynq.Option) {
	if value != nil {
		*list = append(*list, option(*value))
	}
}

func lengthOf(option func(time.Duration) asynq.Option) func(duration) asynq.Option {
	return func(d duration) asynq.Option { return option(time.Duration(d)) }
}

// What a handler does with one attempt.
type step struct {
	// Works until a finish names the task; what that says is then done.
	Wait   bool    `json:"wait"`
	Result *string `json:"result"`
	Error  string  `json:"error"`
}

type serverOptions struct {
	Name            string         `json:"name"`
	Concurrency     int            `json:"concurrency"`
	Queues          map[string]int `json:"queues"`
	RetryDelay      duration       `json:"retryDelay"`
	ShutdownTimeout duration       `json:"shutdownTimeout"`
	// Done for every task that takes no step of its own from this, by its type.
	Steps map[string]step `json:"steps"`
}

// Runs a server. Events: started and ended for every attempt.
func (p *peer) serve(o serverOptions) (any, error) {
	server := asynq.NewServer(p.conn, asynq.Config{
		Concurrency:              o.Concurrency,
		Queues:                   o.Queues,
		ShutdownTimeout:          time.Duration(o.ShutdownTimeout),
		DelayedTaskCheckInterval: 200 * time.Millisecond,
		LogLevel:                 asynq.WarnLevel,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration {
			return time.Duration(o.RetryDelay)
		},
	})
	p.mu.Lock()
	p.servers[o.Name] = server
	p.mu.Unlock()
	return nil, server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		return p.handle(ctx, task, o)
	}))
}

func (p *peer) handle(ctx context.Context, task *asynq.Task, o serverOptions) (err error) {
	id, _ := asynq.GetTaskID(ctx)
	retried, _ := asynq.GetRetryCount(ctx)
	// Asked for before it may begin, so that nobody can finish it too early.
	finish := p.finishOf(id)
	p.say(map[string]any{
		"event": "started", "server": o.Name, "task": id, "type": task.Type(), "retried": retried,
		"payload": hex.EncodeToString(task.Payload()), "headers": headers(task),
	})
	defer func() {
		told := map[string]any{"event": "ended", "server": o.Name, "task": id}
		if err != nil {
			told["error"] = err.Error()
		}
		p.say(told)
	}()
	now := o.Steps[task.Type()]
	if now.Wait {
		select {
		case now = <-finish:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if now.Result != nil {
		if _, err := task.ResultWriter().Write([]byte(*now.Result)); err != nil {
			return err
		}
	}
	if now.Error != "" {
		return errors.New(now.Error)
	}
	return nil
}

func (p *peer) finishOf(id string) chan step {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[id] == nil {
		p.waiting[id] = make(chan step, 1)
	}
	return p.waiting[id]
}

// Ends the wait of a task that runs.
func (p *peer) finish(args struct {
	Task string
	Then step
}) (any, error) {
	p.finishOf(args.Task) <- args.Then
	return nil, nil
}

// Answers when the server has ended.
func (p *peer) shutdown(args struct{ Name string }) (any, error) {
	p.mu.Lock()
	server, ok := p.servers[args.Name]
	p.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("no server %q", args.Name)
	}
	server.Shutdown()
	return nil, nil
}
