// Asynqmon, on a loopback port of its own until stdin ends. Says {"port": …, "versions": {…}} when it listens.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"

	"anyversion"
	"github.com/hibiken/asynq"
	"github.com/hibiken/asynq/x/metrics"
	"github.com/hibiken/asynqmon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	readOnly := flag.Bool("read-only", false, "refuse to change anything")
	prometheusAt := flag.String("prometheus", "", "where metrics are asked for")
	conn := anyversion.Connection()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	anyversion.Must(err)
	handler := asynqmon.New(asynqmon.Options{
		RedisConnOpt:      conn,
		ReadOnly:          *readOnly,
		PrometheusAddress: *prometheusAt,
	})
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle("/metrics", exporter(conn))
	go func() { anyversion.Must(http.Serve(listener, mux)) }()
	anyversion.Must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"port":     listener.Addr().(*net.TCPAddr).Port,
		"versions": versions(),
	}))
	_, err = io.Copy(io.Discard, os.Stdin)
	anyversion.Must(err)
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
