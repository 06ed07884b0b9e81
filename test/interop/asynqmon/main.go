// Asynqmon, on a loopback port of its own until stdin ends. Says {"port": …, "versions": {…}} when it listens.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynq/x/metrics"
	"github.com/hibiken/asynqmon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	url := flag.String("redis", "redis://127.0.0.1:6379", "where the tasks are")
	cluster := flag.String("cluster", "", "or the nodes of a Cluster, host:port,host:port")
	readOnly := flag.Bool("read-only", false, "refuse to change anything")
	prometheus := flag.String("prometheus", "", "where metrics are asked for")
	flag.Parse()
	conn, err := connection(*url, *cluster)
	must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	handler := asynqmon.New(asynqmon.Options{
		RedisConnOpt:      conn,
		ReadOnly:          *readOnly,
		PrometheusAddress: *prometheus,
	})
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle("/metrics", exporter(conn))
	go func() { must(http.Serve(listener, mux)) }()
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"port":     listener.Addr().(*net.TCPAddr).Port,
		"versions": versions(),
	}))
	_, err = io.Copy(io.Discard, os.Stdin)
	must(err)
}

func connection(url, cluster string) (asynq.RedisConnOpt, error) {
	if cluster != "" {
		return asynq.RedisClusterClientOpt{Addrs: strings.Split(cluster, ",")}, nil
	}
	return asynq.ParseRedisURI(url)
}

// What asynqmon's own program has at /metrics when it is told to export them, but for facts of its process.
func exporter(conn asynq.RedisConnOpt) http.Handler {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.NewQueueMetricsCollector(asynq.NewInspector(conn)))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

func versions() map[string]string {
	found := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			found[module.Path] = module.Version
		}
	}
	return found
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "asynqmon:", err)
		os.Exit(1)
	}
}
