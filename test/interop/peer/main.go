// The peer is asynq v0.26.0 on command, as the package anyversion has it, with what that version alone has and with what
// only a module below asynq's own name may use: its internal broker, and the wire forms of its records.
package main

import (
	"flag"
	"fmt"
	"sync"
	"time"

	"anyversion"
	"github.com/hibiken/asynq"
	"github.com/hibiken/asynq/internal/rdb"
	"github.com/hibiken/asynq/internal/timeutil"
	"github.com/redis/go-redis/v9"
)

type peer struct {
	*anyversion.Peer
	redis  redis.UniversalClient
	broker *rdb.RDB
	clock  *timeutil.SimulatedClock

	mu         sync.Mutex
	schedulers map[string]*asynq.Scheduler
	managers   map[string]*periodic
}

// Maps the words of requests to what does them.
func (p *peer) commands() map[string]anyversion.Command {
	return map[string]anyversion.Command{
		"broker":     anyversion.With(p.callBroker),
		"renew":      anyversion.With(p.renewBroker),
		"setClock":   anyversion.With(p.setClock),
		"schedule":   anyversion.With(p.schedule),
		"manage":     anyversion.With(p.manage),
		"provide":    anyversion.With(p.provide),
		"unschedule": anyversion.With(p.unschedule),
		"ticks":      anyversion.With(ticks),
		"decode":     anyversion.With(decode),
		"dump":       anyversion.With(p.dump),
		"marshal":    anyversion.With(marshal),
	}
}

func main() {
	vectors := flag.String("vectors", "", "write golden vectors into this directory, and end")
	seed := flag.Uint64("seed", 26, "of the vectors")
	conn := anyversion.Connection()
	if *vectors != "" {
		anyversion.Must(writeVectors(*vectors, *seed))
		return
	}
	p, err := newPeer(conn)
	anyversion.Must(err)
	p.Run(p.commands())
}

func newPeer(conn asynq.RedisConnOpt) (*peer, error) {
	client, ok := conn.MakeRedisClient().(redis.UniversalClient)
	if !ok {
		return nil, fmt.Errorf("no client for %v", conn)
	}
	return &peer{
		Peer: anyversion.New(conn, anyversion.Newer{
			NewTask:    newTask,
			RevokeTask: asynq.RevokeTask,
			Configure: func(config *asynq.Config, o anyversion.ServerOptions) {
				config.TaskCheckInterval = time.Duration(o.TaskCheckInterval)
				config.JanitorInterval = time.Duration(o.JanitorInterval)
			},
			Code: code,
			Read: readRecord,
			Show: showRecord,
		}),
		redis:      client,
		broker:     rdb.NewRDB(client),
		clock:      timeutil.NewSimulatedClock(time.Now()),
		schedulers: map[string]*asynq.Scheduler{},
		managers:   map[string]*periodic{},
	}, nil
}

func newTask(typename string, payload []byte, headers map[string]string) *asynq.Task {
	return asynq.NewTaskWithHeaders(typename, payload, headers)
}
