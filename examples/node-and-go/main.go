// The Go side: `go run . enqueue` puts two tasks in the queue that Node.js serves too, `go run . work` serves it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hibiken/asynq"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Its fields are in the order in which enqueue.ts hands them in: a unique lock is made from the bytes.
type welcome struct {
	UserID int    `json:"userId"`
	Name   string `json:"name"`
}

func main() {
	redis, err := asynq.ParseRedisURI(os.Getenv("TITANQUEUE_URL"))
	must(err)
	if len(os.Args) > 1 && os.Args[1] == "work" {
		work(redis)
		return
	}
	enqueue(redis)
}

func enqueue(redis asynq.RedisConnOpt) {
	client := asynq.NewClient(redis)
	defer client.Close()

	payload, err := json.Marshal(welcome{UserID: 42, Name: "Ada"})
	must(err)
	_, err = client.Enqueue(asynq.NewTask("email:welcome", payload), asynq.Unique(time.Hour))
	if errors.Is(err, asynq.ErrDuplicateTask) {
		fmt.Println("go: the welcome is waiting already")
	} else {
		must(err)
		fmt.Println("go: a welcome is waiting")
	}

	month, err := proto.Marshal(timestamppb.New(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
	must(err)
	_, err = client.Enqueue(asynq.NewTask("report:month", month), asynq.Retention(time.Hour))
	must(err)
}

func work(redis asynq.RedisConnOpt) {
	mux := asynq.NewServeMux()
	mux.HandleFunc("email:welcome", func(_ context.Context, task *asynq.Task) error {
		var to welcome
		if err := json.Unmarshal(task.Payload(), &to); err != nil {
			return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
		}
		fmt.Printf("go: welcome, %s (%d)\n", to.Name, to.UserID)
		return nil
	})
	mux.HandleFunc("report:month", func(_ context.Context, task *asynq.Task) error {
		var month timestamppb.Timestamp
		if err := proto.Unmarshal(task.Payload(), &month); err != nil {
			return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
		}
		fmt.Println("go: report of", month.AsTime().Format("2006-01"))
		return nil
	})
	server := asynq.NewServer(redis, asynq.Config{Concurrency: 10, LogLevel: asynq.WarnLevel})
	fmt.Println("go: ready")
	must(server.Run(mux))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
}
