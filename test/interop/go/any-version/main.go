// Package anyversion is a program for every version of asynq: the modules that need it say which. It speaks as the peer
// of the newest does. One JSON object a line comes in on stdin and is answered by one on stdout, in no order:
// {"id": 1, "do": "inspect", "args": {…}} by {"id": 1, "result": …} or {"id": 1, "error": text, "code": text}.
// What happens by itself is told as {"event": …}. Bytes are hexadecimal, instants RFC 3339, lengths of time Go's text.
package anyversion

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/hibiken/asynq"
)

type peer struct {
	conn      asynq.RedisConnOpt
	client    *asynq.Client
	inspector *asynq.Inspector

	mu      sync.Mutex
	servers map[string]*asynq.Server
	waiting map[string]chan step
	out     *json.Encoder
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

func (p *peer) commands() map[string]func(json.RawMessage) (any, error) {
	return map[string]func(json.RawMessage) (any, error){
		"versions": func(json.RawMessage) (any, error) { return versions(), nil },
		"methods":  func(json.RawMessage) (any, error) { return methods(p.inspector), nil },
		"inspect":  with(p.inspect),
		"enqueue":  with(p.enqueue),
		"serve":    with(p.serve),
		"finish":   with(p.finish),
		"shutdown": with(p.shutdown),
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

// Main answers what it is asked on stdin until that ends.
func Main() {
	url := flag.String("redis", "redis://127.0.0.1:6379", "where the tasks are")
	cluster := flag.String("cluster", "", "or the nodes of a Cluster, host:port,host:port")
	flag.Parse()
	conn, err := connection(*url, *cluster)
	must(err)
	p := &peer{
		conn:      conn,
		client:    asynq.NewClient(conn),
		inspector: asynq.NewInspector(conn),
		servers:   map[string]*asynq.Server{},
		waiting:   map[string]chan step{},
		out:       json.NewEncoder(os.Stdout),
	}
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

func connection(url, cluster string) (asynq.RedisConnOpt, error) {
	if cluster != "" {
		return asynq.RedisClusterClientOpt{Addrs: strings.Split(cluster, ",")}, nil
	}
	return asynq.ParseRedisURI(url)
}

func (p *peer) say(line any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	must(p.out.Encode(line))
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
func code(err error) string {
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
	}
	return "other"
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}
