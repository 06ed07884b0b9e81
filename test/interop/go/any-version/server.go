package anyversion

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

// What a handler does with one attempt at a task.
type step struct {
	// How long it works, in the task's context, which may end it earlier.
	Run Duration `json:"run"`
	// Works until a finish names the task; what that says is then done.
	Wait bool `json:"wait"`
	// Stored by the task's result writer.
	Result *string `json:"result"`
	// One of: an error's text; SkipRetry, RevokeTask or a panic. None: success.
	Error  string `json:"error"`
	Skip   bool   `json:"skip"`
	Revoke bool   `json:"revoke"`
	Panic  string `json:"panic"`
}

// ServerOptions are those of a server, and what its handlers do.
type ServerOptions struct {
	Name           string         `json:"name"`
	Concurrency    int            `json:"concurrency"`
	Queues         map[string]int `json:"queues"`
	StrictPriority bool           `json:"strictPriority"`
	// The delay before each retry. Default: asynq's.
	RetryDelay *Duration `json:"retryDelay"`
	// Errors of this text are no failures.
	NotFailure               string   `json:"notFailure"`
	ShutdownTimeout          Duration `json:"shutdownTimeout"`
	TaskCheckInterval        Duration `json:"taskCheckInterval"`
	DelayedTaskCheckInterval Duration `json:"delayedTaskCheckInterval"`
	JanitorInterval          Duration `json:"janitorInterval"`
	GroupGracePeriod         Duration `json:"groupGracePeriod"`
	GroupMaxDelay            Duration `json:"groupMaxDelay"`
	GroupMaxSize             int      `json:"groupMaxSize"`
	// The type of the tasks that groups become; their payload is the payloads of the members, a JSON list of texts.
	Aggregate string `json:"aggregate"`
	// The steps of tasks whose payload has none.
	Script []step `json:"script"`
}

// Runs a server. A task's payload may be {"script": [step, …]}, one step for each attempt, the last one for all that
// follow. Events: started and ended for every attempt, error for asynq's error handler, aggregated for groups.
func (p *Peer) serve(o ServerOptions) (any, error) {
	config := asynq.Config{
		Concurrency:              o.Concurrency,
		Queues:                   o.Queues,
		StrictPriority:           o.StrictPriority,
		ShutdownTimeout:          time.Duration(o.ShutdownTimeout),
		DelayedTaskCheckInterval: time.Duration(o.DelayedTaskCheckInterval),
		GroupGracePeriod:         time.Duration(o.GroupGracePeriod),
		GroupMaxDelay:            time.Duration(o.GroupMaxDelay),
		GroupMaxSize:             o.GroupMaxSize,
		LogLevel:                 asynq.WarnLevel,
		ErrorHandler: asynq.ErrorHandlerFunc(func(ctx context.Context, task *asynq.Task, err error) {
			p.tell(ctx, "error", o.Name, map[string]any{"error": err.Error()})
		}),
	}
	if o.RetryDelay != nil {
		delay := time.Duration(*o.RetryDelay)
		config.RetryDelayFunc = func(int, error, *asynq.Task) time.Duration { return delay }
	}
	if o.NotFailure != "" {
		config.IsFailure = func(err error) bool { return err.Error() != o.NotFailure }
	}
	if o.Aggregate != "" {
		config.GroupAggregator = asynq.GroupAggregatorFunc(func(group string, tasks []*asynq.Task) *asynq.Task {
			return p.aggregate(o, group, tasks)
		})
	}
	if p.newer.Configure != nil {
		p.newer.Configure(&config, o)
	}
	server := asynq.NewServer(p.Conn, config)
	p.mu.Lock()
	p.servers[o.Name] = server
	p.mu.Unlock()
	return nil, server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		return p.handle(ctx, task, o)
	}))
}

func (p *Peer) aggregate(o ServerOptions, group string, tasks []*asynq.Task) *asynq.Task {
	payloads := []string{}
	for _, task := range tasks {
		payloads = append(payloads, string(task.Payload()))
	}
	joined, err := json.Marshal(payloads)
	Must(err)
	p.say(map[string]any{"event": "aggregated", "server": o.Name, "group": group, "payloads": payloads})
	return asynq.NewTask(o.Aggregate, joined)
}

func (p *Peer) handle(ctx context.Context, task *asynq.Task, o ServerOptions) (err error) {
	id, _ := asynq.GetTaskID(ctx)
	queue, _ := asynq.GetQueueName(ctx)
	retried, _ := asynq.GetRetryCount(ctx)
	maxRetry, _ := asynq.GetMaxRetry(ctx)
	deadline, _ := ctx.Deadline()
	// Asked for before it may begin, so that nobody can finish it too early.
	finish := p.finishOf(id)
	defer p.forget(id)
	p.tell(ctx, "started", o.Name, map[string]any{
		"type": task.Type(), "payload": hex.EncodeToString(task.Payload()), "headers": headers(task),
		"queue": queue, "retried": retried, "maxRetry": maxRetry, "deadline": deadline.UTC(),
	})
	defer func() {
		told := map[string]any{}
		if err != nil {
			told["error"] = err.Error()
		}
		p.tell(ctx, "ended", o.Name, told)
	}()

	now := stepOf(task.Payload(), o.Script, retried)
	if now.Wait {
		select {
		case now = <-finish:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if now.Run > 0 {
		select {
		case <-time.After(time.Duration(now.Run)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if now.Result != nil {
		if _, err := task.ResultWriter().Write([]byte(*now.Result)); err != nil {
			return err
		}
	}
	switch {
	case now.Panic != "":
		panic(now.Panic)
	case now.Revoke:
		return p.newer.RevokeTask
	case now.Skip:
		return fmt.Errorf("%s: %w", now.Error, asynq.SkipRetry)
	case now.Error != "":
		return errors.New(now.Error)
	}
	return nil
}

func stepOf(payload []byte, otherwise []step, retried int) step {
	var own struct {
		Script []step `json:"script"`
	}
	script := otherwise
	if json.Unmarshal(payload, &own) == nil && len(own.Script) > 0 {
		script = own.Script
	}
	if len(script) == 0 {
		return step{}
	}
	return script[min(retried, len(script)-1)]
}

func (p *Peer) tell(ctx context.Context, event string, server string, more map[string]any) {
	more["event"] = event
	more["server"] = server
	more["task"], _ = asynq.GetTaskID(ctx)
	p.say(more)
}

func (p *Peer) finishOf(id string) chan step {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[id] == nil {
		p.waiting[id] = make(chan step, 1)
	}
	return p.waiting[id]
}

func (p *Peer) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

// Ends the wait of a task that runs.
func (p *Peer) finish(args struct {
	Task string
	Then step
}) (any, error) {
	p.finishOf(args.Task) <- args.Then
	return nil, nil
}

// Named is what a command means that is about one of several.
type Named struct{ Name string }

func (p *Peer) server(name string) (*asynq.Server, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if server, ok := p.servers[name]; ok {
		return server, nil
	}
	return nil, fmt.Errorf("no server %q", name)
}

// Takes no more tasks, and goes on with those it has.
func (p *Peer) stop(n Named) (any, error) {
	server, err := p.server(n.Name)
	if err == nil {
		server.Stop()
	}
	return nil, err
}

// Answers when the server has ended.
func (p *Peer) shutdown(n Named) (any, error) {
	server, err := p.server(n.Name)
	if err == nil {
		server.Shutdown()
	}
	return nil, err
}
