// The peer is real asynq, on command. One JSON object a line comes in on stdin and is answered by one on stdout, in no
// order: {"id": 1, "do": "enqueue", "args": {…}} by {"id": 1, "result": …} or {"id": 1, "error": text, "code": text}.
// What happens by itself is told as {"event": …}. Bytes are hexadecimal, instants RFC 3339, lengths of time Go's text.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynq/internal/base"
	asynqerrors "github.com/hibiken/asynq/internal/errors"
	"github.com/hibiken/asynq/internal/rdb"
	"github.com/hibiken/asynq/internal/timeutil"
	"github.com/redis/go-redis/v9"
)

type peer struct {
	conn      asynq.RedisConnOpt
	redis     redis.UniversalClient
	client    *asynq.Client
	inspector *asynq.Inspector
	broker    *rdb.RDB
	clock     *timeutil.SimulatedClock

	mu         sync.Mutex
	servers    map[string]*asynq.Server
	waiting    map[string]chan step
	schedulers map[string]*asynq.Scheduler
	managers   map[string]*periodic
	out        *json.Encoder
}

type request struct {
	ID   int             `json:"id"`
	Do   string          `json:"do"`
	Args json.RawMessage `json:"args"`
}

type answer struct {
	ID     int    `json:"id"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
	Code   string `json:"code,omitempty"`
}

// Maps the words of requests to what does them.
func (p *peer) commands() map[string]func(json.RawMessage) (any, error) {
	return map[string]func(json.RawMessage) (any, error){
		"versions":   func(json.RawMessage) (any, error) { return versions(), nil },
		"enqueue":    with(p.enqueue),
		"serve":      with(p.serve),
		"stop":       with(p.stop),
		"shutdown":   with(p.shutdown),
		"finish":     with(p.finish),
		"inspect":    with(p.inspect),
		"broker":     with(p.callBroker),
		"renew":      with(p.renewBroker),
		"setClock":   with(p.setClock),
		"schedule":   with(p.schedule),
		"manage":     with(p.manage),
		"provide":    with(p.provide),
		"unschedule": with(p.unschedule),
		"ticks":      with(ticks),
		"decode":     with(decode),
		"dump":       with(p.dump),
	}
}

// Reads the arguments that a command asks for.
func with[A any](do func(A) (any, error)) func(json.RawMessage) (any, error) {
	return func(raw json.RawMessage) (any, error) {
		var args A
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &args); err != nil {
				return nil, err
			}
		}
		return do(args)
	}
}

func main() {
	url := flag.String("redis", "redis://127.0.0.1:6379", "where the tasks are")
	vectors := flag.String("vectors", "", "write golden vectors into this directory, and end")
	seed := flag.Uint64("seed", 26, "of the vectors")
	flag.Parse()
	if *vectors != "" {
		must(writeVectors(*vectors, *seed))
		return
	}
	p, err := newPeer(*url)
	must(err)
	commands := p.commands()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r request
		must(json.Unmarshal(lines.Bytes(), &r))
		do, ok := commands[r.Do]
		if !ok {
			p.say(answer{ID: r.ID, Error: fmt.Sprintf("no command %q", r.Do), Code: "usage"})
			continue
		}
		go func() {
			result, err := do(r.Args)
			if err != nil {
				p.say(answer{ID: r.ID, Error: err.Error(), Code: code(err)})
				return
			}
			p.say(answer{ID: r.ID, Result: result})
		}()
	}
	must(lines.Err())
}

func newPeer(url string) (*peer, error) {
	conn, err := asynq.ParseRedisURI(url)
	if err != nil {
		return nil, err
	}
	client, ok := conn.MakeRedisClient().(redis.UniversalClient)
	if !ok {
		return nil, fmt.Errorf("no client for %s", url)
	}
	return &peer{
		conn:       conn,
		redis:      client,
		client:     asynq.NewClient(conn),
		inspector:  asynq.NewInspector(conn),
		broker:     rdb.NewRDB(client),
		clock:      timeutil.NewSimulatedClock(time.Now()),
		servers:    map[string]*asynq.Server{},
		waiting:    map[string]chan step{},
		schedulers: map[string]*asynq.Scheduler{},
		managers:   map[string]*periodic{},
		out:        json.NewEncoder(os.Stdout),
	}, nil
}

func (p *peer) say(line any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	must(p.out.Encode(line))
}

func versions() map[string]string {
	return map[string]string{"asynq": base.Version, "go": runtime.Version()}
}

// One word for each error that a caller can tell from others; else asynq's own code.
func code(err error) string {
	switch {
	case errors.Is(err, asynqerrors.ErrDuplicateTask), errors.Is(err, asynq.ErrDuplicateTask):
		return "duplicate"
	case errors.Is(err, asynqerrors.ErrTaskIdConflict), errors.Is(err, asynq.ErrTaskIDConflict):
		return "conflict"
	case errors.Is(err, asynqerrors.ErrNoProcessableTask):
		return "empty"
	case errors.Is(err, asynq.ErrQueueNotFound):
		return "queue-not-found"
	case errors.Is(err, asynq.ErrTaskNotFound):
		return "task-not-found"
	case errors.Is(err, asynq.ErrQueueNotEmpty), asynqerrors.IsQueueNotEmpty(err):
		return "queue-not-empty"
	}
	return asynqerrors.CanonicalCode(err).String()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}
