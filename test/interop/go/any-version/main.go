// Package anyversion is real asynq, on command, in whichever version the module that needs it asks for. One JSON object a
// line comes in on stdin and is answered by one on stdout, in no order: {"id": 1, "do": "enqueue", "args": {…}} by
// {"id": 1, "result": …} or {"id": 1, "error": text, "code": text}. What happens by itself is told as {"event": …}. Bytes
// are hexadecimal, instants RFC 3339, lengths of time Go's text.
package anyversion

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/hibiken/asynq"
)

// Peer holds what was started on command.
type Peer struct {
	Conn asynq.RedisConnOpt

	newer     Newer
	client    *asynq.Client
	inspector *asynq.Inspector

	mu      sync.Mutex
	servers map[string]*asynq.Server
	waiting map[string]chan step
	out     *json.Encoder
}

// Newer is what not every version of asynq has. A module of a version that has it fills it in.
type Newer struct {
	// A task with headers.
	NewTask func(typename string, payload []byte, headers map[string]string) *asynq.Task
	// What a handler returns to have its task deleted.
	RevokeTask error
	// The settings of a server that Config has had since v0.25.0.
	Configure func(*asynq.Config, ServerOptions)
	// One word for an error that is none of asynq's public ones.
	Code func(error) string
	// An argument of a type of asynq's own; false: it is not.
	Read func(raw json.RawMessage, to reflect.Type) (value any, ok bool, err error)
	// A value of such a type, as JSON can say it.
	Show func(value any) (shown any, ok bool)
}

// Command answers the arguments of a request.
type Command func(json.RawMessage) (any, error)

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

// New makes a peer that talks to that Redis.
func New(conn asynq.RedisConnOpt, newer Newer) *Peer {
	return &Peer{
		Conn:      conn,
		newer:     newer,
		client:    asynq.NewClient(conn),
		inspector: asynq.NewInspector(conn),
		servers:   map[string]*asynq.Server{},
		waiting:   map[string]chan step{},
		out:       json.NewEncoder(os.Stdout),
	}
}

// Main is the program of a version that has nothing of its own.
func Main() { New(Connection(), Newer{}).Run(nil) }

// Connection says, by the flags, where the tasks are.
func Connection() asynq.RedisConnOpt {
	url := flag.String("redis", "redis://127.0.0.1:6379", "where the tasks are")
	cluster := flag.String("cluster", "", "or the nodes of a Cluster, host:port,host:port")
	flag.Parse()
	if *cluster != "" {
		return asynq.RedisClusterClientOpt{Addrs: strings.Split(*cluster, ",")}
	}
	conn, err := asynq.ParseRedisURI(*url)
	Must(err)
	return conn
}

// With reads the arguments that a command asks for.
func With[A any](do func(A) (any, error)) Command {
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

// Run answers what it is asked on stdin until that ends.
func (p *Peer) Run(more map[string]Command) {
	commands := map[string]Command{
		"versions": func(json.RawMessage) (any, error) { return versions(), nil },
		"methods":  func(json.RawMessage) (any, error) { return methods(p.inspector), nil },
		"inspect":  With(func(c MethodCall) (any, error) { return p.Call(p.inspector, c) }),
		"enqueue":  With(p.enqueue),
		"serve":    With(p.serve),
		"stop":     With(p.stop),
		"shutdown": With(p.shutdown),
		"finish":   With(p.finish),
	}
	for word, do := range more {
		commands[word] = do
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r request
		Must(json.Unmarshal(lines.Bytes(), &r))
		do, ok := commands[r.Do]
		if !ok {
			p.say(answer{ID: r.ID, Error: fmt.Sprintf("no command %q", r.Do), Code: "usage"})
			continue
		}
		go func() {
			result, err := do(r.Args)
			if err != nil {
				p.say(answer{ID: r.ID, Error: err.Error(), Code: p.code(err)})
				return
			}
			p.say(answer{ID: r.ID, Result: result})
		}()
	}
	Must(lines.Err())
}

func (p *Peer) say(line any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	Must(p.out.Encode(line))
}

// The version that was linked in, which is not in asynq's public surface.
func versions() map[string]string {
	found := map[string]string{"go": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/hibiken/asynq" {
				found["asynq"] = module.Version
			}
		}
	}
	return found
}

// One word for each error that a caller can tell from others.
func (p *Peer) code(err error) string {
	switch {
	case errors.Is(err, asynq.ErrDuplicateTask):
		return "duplicate"
	case errors.Is(err, asynq.ErrTaskIDConflict):
		return "conflict"
	case errors.Is(err, asynq.ErrQueueNotFound):
		return "queue-not-found"
	case errors.Is(err, asynq.ErrTaskNotFound):
		return "task-not-found"
	case errors.Is(err, asynq.ErrQueueNotEmpty):
		return "queue-not-empty"
	case p.newer.Code != nil:
		return p.newer.Code(err)
	}
	return "other"
}

// Must ends the process where going on makes no sense.
func Must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}
