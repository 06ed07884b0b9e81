// A semaphore of x/rate, asked once: `-redis url scope tokens acquire|release task deadline`, the deadline in Unix seconds. It
// answers true, false or what was wrong. x/rate has had no release that fits an asynq newer than this module's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynq/internal/base"
	asynqcontext "github.com/hibiken/asynq/internal/context"
	"github.com/hibiken/asynq/x/rate"
)

func main() {
	url := flag.String("redis", "redis://127.0.0.1:6379", "where the tokens are")
	flag.Parse()
	conn, err := asynq.ParseRedisURI(*url)
	must(err)
	if flag.NArg() != 5 {
		must(fmt.Errorf("want scope, tokens, acquire or release, task and deadline"))
	}
	tokens, err := strconv.Atoi(flag.Arg(1))
	must(err)
	deadline, err := strconv.ParseInt(flag.Arg(4), 10, 64)
	must(err)
	semaphore := rate.NewSemaphore(conn, flag.Arg(0), tokens)
	defer semaphore.Close()
	// What a handler is given, by which it is known who asks and until when.
	ctx, cancel := asynqcontext.New(context.Background(), &base.TaskMessage{ID: flag.Arg(3)}, time.Unix(deadline, 0))
	defer cancel()
	switch flag.Arg(2) {
	case "acquire":
		got, err := semaphore.Acquire(ctx)
		must(err)
		fmt.Println(got)
	case "release":
		must(semaphore.Release(ctx))
		fmt.Println(true)
	default:
		must(fmt.Errorf("no %q", flag.Arg(2)))
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "rate:", err)
		os.Exit(1)
	}
}
